"""The nouns: frozen values that every other room may speak, with no asyncio, HTTP or AWS client in them."""
