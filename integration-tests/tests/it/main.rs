//! The integration tests, one module an RPC: everything here goes through the API that users have.
