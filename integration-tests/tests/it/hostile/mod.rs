//! Peers that break the rules, and connections that break.

mod broken_connections;
mod forged;
mod hostile_clients;
mod hostile_servers;
