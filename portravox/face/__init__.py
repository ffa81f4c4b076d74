"""Picture -> face: detection, landmarks, pose, lips, person matte and the verdict."""
