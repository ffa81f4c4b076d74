"""Which points of the mesh are measured again, closer up: lips, eyes and irises.

Flow      face.models -> face.mesh_refinement
Reads     outputs of the mesh network
Gives     (478, 3) points

The lists are MediaPipe's (`tensors_to_face_landmarks_with_attention.pbtxt`): the n-th point of an
output replaces this point of the mesh. What comes later in the list wins.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32

MESH_POINTS = 478

LIPS = np.array(
    [
        *(
            61,
            146,
            91,
            181,
            84,
            17,
            314,
            405,
            321,
            375,
            291,
            185,
            40,
            39,
            37,
            0,
            267,
            269,
            270,
            409,
        ),
        *(
            78,
            95,
            88,
            178,
            87,
            14,
            317,
            402,
            318,
            324,
            308,
            191,
            80,
            81,
            82,
            13,
            312,
            311,
            310,
            415,
        ),
        *(
            76,
            77,
            90,
            180,
            85,
            16,
            315,
            404,
            320,
            307,
            306,
            184,
            74,
            73,
            72,
            11,
            302,
            303,
            304,
            408,
        ),
        *(
            62,
            96,
            89,
            179,
            86,
            15,
            316,
            403,
            319,
            325,
            292,
            183,
            42,
            41,
            38,
            12,
            268,
            271,
            272,
            407,
        ),
    ]
)

LEFT_EYE = np.array(
    [
        *(33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
        *(130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190),
        *(226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189),
        *(35, 124, 46, 53, 52, 65, 143, 111, 117, 118, 119, 120, 121, 128, 245, 156),
        *(70, 63, 105, 66, 107, 55, 193),
    ]
)

RIGHT_EYE = np.array(
    [
        *(263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
        *(359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414),
        *(446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413),
        *(265, 353, 276, 283, 282, 295, 372, 340, 346, 347, 348, 349, 350, 357, 465, 383),
        *(300, 293, 334, 296, 336, 285, 417),
    ]
)

LEFT_IRIS, RIGHT_IRIS = np.arange(468, 473), np.arange(473, 478)

CONTOUR_POINTS = 16
"""The first points of each eye lie along its lids; their mean depth is the iris's."""


def refined(
    mesh: Float32,
    lips: Float32,
    left_eye: Float32,
    right_eye: Float32,
    left_iris: Float32,
    right_iris: Float32,
) -> Float32:
    """All points, the closer looks put in. Depth stays the mesh's, since they give none.

    mesh     (N, 468, 3) px of the crop; the others (N, P, 2)
    returns  (N, 478, 3)
    """
    points = np.zeros((len(mesh), MESH_POINTS, 3), np.float32)
    points[:, : mesh.shape[1]] = mesh
    for places, closer in ((LIPS, lips), (LEFT_EYE, left_eye), (RIGHT_EYE, right_eye)):
        points[:, places, :2] = closer
    for places, closer, eye in (
        (LEFT_IRIS, left_iris, LEFT_EYE),
        (RIGHT_IRIS, right_iris, RIGHT_EYE),
    ):
        points[:, places, :2] = closer
        points[:, places, 2] = points[:, eye[:CONTOUR_POINTS], 2].mean(axis=1, keepdims=True)
    return points
