//! A mail server on loopback that speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4954), and keeps
//! what it is given.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server insists on, and what it does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    /// TLS from the first byte.
    pub(crate) wrapped: bool,
    /// Offers STARTTLS, and takes no mail before it.
    pub(crate) starttls: bool,
    /// Takes mail only after a login as `tieout` with `open sesame`.
    pub(crate) login: bool,
    /// Refuses so many mails with 451 before it takes one.
    pub(crate) busy: usize,
}

/// One mail as it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
    pub(crate) encrypted: bool,
    pub(crate) logged_in: bool,
}

impl Mail {
    /// The lines of the header, unfolded.
    pub(crate) fn headers(&self) -> Vec<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers().into_iter().filter_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        let found: Vec<String> = found.collect();
        assert_eq!(found.len(), 1, "{name} in {}", self.text);
        found[0].clone()
    }

    /// The text below the header, decoded.
    pub(crate) fn body(&self) -> String {
        let body = self.text.split_once("\r\n\r\n").unwrap().1;
        let encoding = self.headers().iter().any(|line| line.to_lowercase().contains("quoted-printable"));
        let text = if encoding { unquoted(body) } else { body.to_owned() };
        text.replace("\r\n", "\n")
    }
}

/// RFC 2045, 6.7.
fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'=' {
            decoded.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).unwrap()
}

/// The server; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    /// Its certificate, in PEM: nobody else knows it.
    pub(crate) certificate: String,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = own.cert.pem();
        let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let (config, mails) = (Arc::new(config), Arc::new(Mutex::new(Vec::new())));
        let kept = mails.clone();
        let busy = Arc::new(Mutex::new(manners.busy));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, kept, busy) = (config.clone(), kept.clone(), busy.clone());
                std::thread::spawn(move || converse(stream, &config, manners, &kept, &busy));
            }
        });
        Self { address, certificate, mails }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

fn converse(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    manners: Manners,
    kept: &Mutex<Vec<Mail>>,
    busy: &Mutex<usize>,
) -> Option<()> {
    let secured = |stream| StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
    if manners.wrapped {
        let mut talk = Talk::new(secured(stream), manners, true, busy);
        talk.say("220 localhost ESMTP")?;
        _ = talk.session(kept);
        return None;
    }
    let plain = stream.try_clone().ok()?;
    let mut talk = Talk::new(plain, manners, false, busy);
    talk.say("220 localhost ESMTP")?;
    if talk.session(kept)? == Next::Secure {
        let mut talk = Talk::new(secured(stream), manners, true, busy);
        _ = talk.session(kept);
    }
    None
}

#[derive(PartialEq, Eq)]
enum Next {
    Secure,
    End,
}

struct Talk<'m, S: Read + Write> {
    stream: BufReader<S>,
    manners: Manners,
    encrypted: bool,
    logged_in: bool,
    busy: &'m Mutex<usize>,
}

impl<'m, S: Read + Write> Talk<'m, S> {
    fn new(stream: S, manners: Manners, encrypted: bool, busy: &'m Mutex<usize>) -> Self {
        // Unbuffered enough: a client waits for the answer to STARTTLS before it goes on.
        Self { stream: BufReader::new(stream), manners, encrypted, logged_in: false, busy }
    }

    fn say(&mut self, line: &str) -> Option<()> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).ok()?;
        self.stream.get_mut().flush().ok()
    }

    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end_matches("\r\n").to_owned())
    }

    fn session(&mut self, kept: &Mutex<Vec<Mail>>) -> Option<Next> {
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = self.hear()?;
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.say("250-localhost")?;
                    if self.manners.starttls && !self.encrypted {
                        self.say("250-STARTTLS")?;
                    }
                    self.say(if self.manners.login { "250 AUTH PLAIN" } else { "250 SIZE 1000000" })?;
                }
                "STARTTLS" if self.manners.starttls => {
                    self.say("220 go ahead")?;
                    return Some(Next::Secure);
                }
                _ if self.manners.starttls && !self.encrypted => self.say("530 Must issue a STARTTLS command first")?,
                "AUTH" => self.login(&line)?,
                "MAIL" if self.manners.login && !self.logged_in => self.say("530 Authentication required")?,
                "MAIL" if self.is_busy() => self.say("451 come back later")?,
                "MAIL" => {
                    from = address(&line);
                    self.say("250 ok")?;
                }
                "RCPT" => {
                    to.push(address(&line));
                    self.say("250 ok")?;
                }
                "DATA" => {
                    self.say("354 go on")?;
                    let text = self.data()?;
                    let (encrypted, logged_in) = (self.encrypted, self.logged_in);
                    let mail = Mail { from: from.clone(), to: std::mem::take(&mut to), text, encrypted, logged_in };
                    kept.lock().unwrap().push(mail);
                    self.say("250 queued as 4711")?;
                }
                "QUIT" => {
                    self.say("221 bye")?;
                    return Some(Next::End);
                }
                _ => self.say("250 ok")?,
            }
        }
    }

    fn is_busy(&self) -> bool {
        let mut busy = self.busy.lock().unwrap();
        let is = *busy > 0;
        *busy = busy.saturating_sub(1);
        is
    }

    fn login(&mut self, line: &str) -> Option<()> {
        let given = line.split(' ').nth(2).and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        self.logged_in = given.is_some_and(|given| given == b"\0tieout\0open sesame");
        self.say(if self.logged_in { "235 welcome" } else { "535 Authentication credentials invalid" })
    }

    /// Up to the line with a dot alone; doubled dots are single ones.
    fn data(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let line = self.hear()?;
            if line == "." {
                return Some(text);
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
        }
    }
}

/// `MAIL FROM:<a@b>` → `a@b`
fn address(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address).to_owned()
}
