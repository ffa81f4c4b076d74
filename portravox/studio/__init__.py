"""The studio: the page at `/`, for people who would rather not use a terminal.

Flow      studio.page (HTML, CSS, ES modules) -> studio.files -> service.routes.studio -> a browser
          the page -> the public API, like any other client

`page/` is served as it lies here: there is no build step, and nothing is fetched from elsewhere.
"""
