"""Articulation by rule: what phonetics says about the spectrum, without anything learnt.

Flow      speech.features -> rules -> baselines

They were the product's before it had a network, and are what that has to beat.
"""
