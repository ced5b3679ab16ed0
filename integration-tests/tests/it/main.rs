//! The integration tests, in folders by topic: everything here goes through the API that users have, and where a peer
//! must misbehave, through bare gRPC or bare HTTP/2.

mod calls;
mod data_path;
mod embedding;
mod hostile;
mod programs;
mod support;
mod uploads;
