//! Both ends of raw TCP for `cargo xtask bench`: blocking sockets and one hot buffer a side.
//!
//! `bench_raw serve BYTES BUFFER` sends to the first who connects; `bench_raw read ADDRESS BYTES BUFFER` reads.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result, bail, ensure};
use integration_tests::Usage;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| -> Result<usize> { Ok(arguments.get(at).context("too few arguments")?.parse()?) };
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(number(1)?, number(2)?),
        Some("read") => read(&arguments[1], number(2)?, number(3)?),
        _ => bail!("usage: bench_raw serve BYTES BUFFER | read ADDRESS BYTES BUFFER"),
    }
}

fn serve(bytes: usize, buffer: usize) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let buffer = vec![7_u8; buffer];
    let start = Usage::now();
    println!("Server listening on {}", listener.local_addr()?);
    let (mut socket, _) = listener.accept()?;
    let mut left = bytes;
    while left > 0 {
        let sent = socket.write(&buffer[..left.min(buffer.len())])?;
        ensure!(sent > 0, "the socket takes nothing more");
        left -= sent;
    }
    drop(socket);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", start.measure().to_json(bytes));
    Ok(())
}

fn read(address: &str, bytes: usize, buffer: usize) -> Result<()> {
    let mut buffer = vec![0_u8; buffer];
    let mut socket = TcpStream::connect(address)?;
    let start = Usage::now();
    let mut total = 0;
    loop {
        match socket.read(&mut buffer)? {
            0 => break,
            read => total += read,
        }
    }
    let measured = start.measure();
    ensure!(total == bytes, "{total} bytes came, expected {bytes}");
    println!("{}", measured.to_json(bytes));
    Ok(())
}
