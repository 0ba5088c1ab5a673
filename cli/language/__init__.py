"""The published language as documents: JSON Schema, AsyncAPI, OpenAPI, a page of them, and what may change in them."""
