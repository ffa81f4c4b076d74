"""Files <-> arrays: pictures and voices in, MP4 out. The only place that knows PyAV and Pillow."""
