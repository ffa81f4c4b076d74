"""TensorFlow Lite files -> ONNX graphs: a reader, the operators' translation and a writer."""
