"""Waveform -> speech features: how loud, which spectrum, which pitch, speech or not."""
