"""The studio as its users meet it: how soon, how heavy, and pictures of the way through.

Flow      driving -> report (`make page-report`), pictures (`make page-pictures`)
          driving -> tests.studio.browser (`make test-page`)
"""
