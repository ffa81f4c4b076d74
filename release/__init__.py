"""What is made when a version is given away; no part of the product."""
