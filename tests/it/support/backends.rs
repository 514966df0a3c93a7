//! Servers that say their port and what they were asked for, byte by byte: a real one would refuse the blank in a path that a proxy did not encode.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Three of them, for `{a}`, `{b}` and `{c}` of a configuration.
pub(crate) struct Backends(Vec<u16>);

impl Backends {
    /// Starts them; their threads end with the test.
    pub(crate) fn start() -> Self {
        let one = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
            let port = listener.local_addr().expect("it is bound").port();
            std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream, port))));
            port
        };
        Self((0..3).map(|_| one()).collect())
    }

    /// Returns `text` with their ports in place of `{a}` and `{port:a}`; `{dead}` is one where nobody listens.
    pub(crate) fn fill(&self, text: &str) -> String {
        let text = text.replace("{dead}", "1");
        ["a", "b", "c"].iter().zip(&self.0).fold(text, |text, (name, port)| {
            text.replace(&format!("{{{name}}}"), &port.to_string()).replace(&format!("{{port:{name}}}"), &port.to_string())
        })
    }
}

/// Answers with 200, or with the status that `st=` in the target asks for. The point behind the target shows where it ends.
fn answer(mut stream: TcpStream, port: u16) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..read]);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.split("\r\n").next().unwrap_or_default();
    let target = line.split_once(' ').and_then(|(_, rest)| rest.rsplit_once(" HTTP/1.")).map_or("", |(target, _)| target);
    let status = target.split_once("st=").and_then(|(_, rest)| rest.get(..3)).filter(|status| status.bytes().all(|byte| byte.is_ascii_digit()));
    write!(stream, "HTTP/1.0 {} X\r\nX-At: {port} {}.\r\nContent-Length: 0\r\n\r\n", status.unwrap_or("200"), visible(target))
}

/// Makes line feeds and the like fit for a header.
pub(crate) fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}
