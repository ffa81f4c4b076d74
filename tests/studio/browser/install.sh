# Chromium for the tests of the page, where there is none. Playwright's own build will not do: it
# cannot play H.264, which our videos are.
set -eu

for program in "${PORTRAVOX_BROWSER:-}" chromium chromium-browser google-chrome; do
  if [ -n "$program" ] && command -v "$program" > /dev/null; then
    exit 0
  fi
done

if ! command -v apt-get > /dev/null; then
  echo "install Chromium or Chrome, or name one with PORTRAVOX_BROWSER" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
  as_root=sudo
fi
$as_root apt-get update --quiet --quiet
DEBIAN_FRONTEND=noninteractive $as_root apt-get install --quiet --quiet --yes --no-install-recommends chromium
