"""Controls: what the rig is told, frame by frame.

Flow      articulation, animation.* -> ControlTrack -> rig
"""

from __future__ import annotations

from dataclasses import dataclass

from portravox.arrays import Float32

CONTROLS = (
    "speech",
    "lip_gap",
    "jaw",
    "lip_wide",
    "lip_round",
    "lip_press",
    "lip_teeth",
    "tongue_up",
    "smile",
    "smile_skew",
    "corner_drop",
    "lip_tight",
    "brow_raise",
    "brow_lower",
    "brow_inner",
    "brow_skew",
    "squint",
    "eye_wide",
    "blink_left",
    "blink_right",
    "gaze_yaw_deg",
    "gaze_pitch_deg",
    "head_yaw_deg",
    "head_pitch_deg",
    "head_roll_deg",
    "head_shift_x",
    "head_shift_y",
    "breath",
    "body_x",
    "body_y",
    "hair_x",
    "hair_y",
)
"""All 0 is the photograph itself, untouched.

speech          0..1   how far the mouth is given over to speech. 0: the photograph's own mouth,
                       whatever it does there. 1: the mouth is what the next rows say, also on a
                       photograph that smiles or stands open. Scales all of them.
lip_gap         0..0.5 opening between the lips at the middle, in widths of the mouth as it is
                       without a smile; 0 is contact. An absolute target, not a movement.
                       A loud /a/ is about 0.32.
jaw             0..1   jaw rotation; 1 is 14 degrees. Lips part from lip_gap, whatever the jaw does.
lip_wide        0..1   corners drawn apart
lip_round       0..1   corners in, lips forward
lip_press       0..1   lips rolled in and pressed (p, b, m); only together with a small lip_gap
lip_teeth       0..1   lower lip drawn up under the upper teeth (f, v)
tongue_up       0..1   tongue tip seen behind or between the teeth
smile           -1..1  corners up and back; negative lowers them
smile_skew      -1..1  smile more on the right of the picture, as much less on the left
corner_drop     0..1   corners of the mouth down, as in sadness
lip_tight       0..1   lips pressed together as photographed, whatever `speech` is; lips that do not
                       touch in the photograph stay as they are
brow_raise      0..1   both brows up
brow_lower      0..1   both brows down and together
brow_inner      0..1   the inner ends of the brows up and together, as in sadness
brow_skew       -1..1  brow_raise more on the right of the picture, as much less on the left
squint          0..1   lower lids up
eye_wide        -1..1  upper lids up; negative lets them sink
blink_left      0..1   1 is shut; left is the left of the picture
blink_right     0..1   1 is shut; right is the right of the picture
gaze_yaw_deg    deg    eyes in the head; positive looks to the right of the picture
gaze_pitch_deg  deg    positive looks up
head_yaw_deg    deg    added to the photograph's pose; positive turns to the right of the picture
head_pitch_deg  deg    positive raises the chin
head_roll_deg   deg    positive leans clockwise as seen in the picture
head_shift_x    face widths, positive moves right in the picture
head_shift_y    face widths, positive moves up
breath          0..1   chest and shoulders risen; 0 is as photographed
body_x          face widths, how far shoulders and chest have followed the head; positive right
body_y          face widths, the same, positive up; what the breath does comes on top
hair_x          face widths, by which hanging hair is elsewhere than the head would carry it;
                       positive right
hair_y          face widths, the same, positive up
"""


@dataclass(frozen=True, slots=True, eq=False)
class ControlTrack:
    """The controls of every frame of one video."""

    values: Float32
    """(T, C): a row each frame, a column each name of CONTROLS."""

    fps: int

    def __getitem__(self, control: str) -> Float32:
        """(T,) one control by its name."""
        column: Float32 = self.values[:, CONTROLS.index(control)]
        return column

    def __len__(self) -> int:
        return len(self.values)

    def part(self, frames: range | None) -> ControlTrack:
        """The same of some frames only, in steps of 1; None: of all."""
        if frames is None:
            return self
        return ControlTrack(self.values[frames.start : frames.stop], self.fps)
