# Chromium and Firefox for the tests of the page, where there are none. Playwright's own builds will not
# do: that of Chromium cannot play H.264, which our videos are, and that of Firefox is somebody's patch.
set -eu

has_one_of() {
  for program in "$@"; do
    if [ -n "$program" ] && command -v "$program" > /dev/null; then
      return 0
    fi
  done
  return 1
}

missing=
has_one_of "${PORTRAVOX_BROWSER:-}" chromium chromium-browser google-chrome || missing=chromium
has_one_of firefox-esr firefox || missing="$missing firefox-esr"
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null; then
  echo "install Chromium (or Chrome, or name one with PORTRAVOX_BROWSER) and Firefox; missing: $missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
  as_root=sudo
fi
$as_root apt-get update --quiet --quiet
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install --quiet --quiet --yes --no-install-recommends $missing
