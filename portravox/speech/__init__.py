"""Waveform -> features: level, spectrum, pitch, voice activity. Knows no language."""
