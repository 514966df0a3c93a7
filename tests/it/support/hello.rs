//! The first bytes of a TLS client, written by hand: enough for a proxy that reads the name in them (RFC 5246, 7.4.1.2; RFC 6066, 3).

/// Extensions that every client sends: groups, point formats, signatures.
const USUAL: &[(u16, &[u8])] = &[(10, &[0, 4, 0, 0x1d, 0, 0x17]), (11, &[1, 0]), (13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3])];

/// Returns the `ClientHello` of a client of TLS 1.2 that asks for `name`, or for none.
pub(crate) fn client_hello(name: Option<&str>) -> Vec<u8> {
    let mut extensions = Vec::new();
    let mut add = |kind: u16, body: &[u8]| extensions.extend([kind.to_be_bytes().as_slice(), &sized(body)].concat());
    if let Some(name) = name {
        // A list of one name, which is a host name.
        add(0, &sized(&[&[0], sized(name.as_bytes()).as_slice()].concat()));
    }
    for (kind, body) in USUAL {
        add(*kind, body);
    }
    // Version, random, no session, two ciphers, no compression.
    let body = [[3, 3].as_slice(), &[7; 32], &[0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0], &sized(&extensions)].concat();
    let handshake = [[1, 0].as_slice(), &sized(&body)].concat();
    [[22, 3, 1].as_slice(), &sized(&handshake)].concat()
}

/// Returns `bytes` behind their length in two bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("it is short");
    [length.to_be_bytes().as_slice(), bytes].concat()
}
