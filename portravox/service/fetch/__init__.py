"""Files that a job names on the internet, fetched without showing strangers our network."""
