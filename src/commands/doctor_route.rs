//! What it means that no provider answered, and what to do about it: one text for each way in which that happens.

use chrono::{DateTime, Utc};

use super::doctor::Check;
use crate::exit::ExitCode;
use crate::providers::http::{NoConnection, no_connection};

/// The row of a provider that did not answer.
pub(super) fn silent(what: String, error: &anyhow::Error) -> Check {
    let code = ExitCode::ProviderUnavailable;
    let Some(reason) = no_connection(error.as_ref()) else {
        let to_do = "check base_url and token_url, this machine's network and its proxy settings";
        return Check::fail(what, code, format!("{error:#}"), to_do);
    };
    Check::fail(what, code, format!("{}: {error:#}", found(&reason)), to_do(&reason))
}

fn found(reason: &NoConnection) -> String {
    match reason {
        NoConnection::NoAddress => "the host's name has no address".to_owned(),
        NoConnection::Refused => "the connection is refused".to_owned(),
        NoConnection::NoRoute => "there is no route to the host".to_owned(),
        NoConnection::TimedOut => "nothing comes back in time".to_owned(),
        NoConnection::Expired(times) => format!("the certificate has expired{}", held_against("it ended", *times)),
        NoConnection::NotYetValid(times) => {
            format!("the certificate is not valid yet{}", held_against("it begins", *times))
        }
        NoConnection::UnknownAuthority => "the certificate is signed by nobody whom this machine trusts".to_owned(),
        NoConnection::WrongName(names) if names.is_empty() => "the certificate is another host's".to_owned(),
        NoConnection::WrongName(names) => format!("the certificate is another host's, {}", names.join(", ")),
        NoConnection::Tls => "TLS cannot be agreed upon".to_owned(),
    }
}

/// ` (it ended 2025-01-01T00:00:00Z, and this machine's clock says …)`
fn held_against(event: &str, times: Option<(DateTime<Utc>, DateTime<Utc>)>) -> String {
    let Some((limit, ours)) = times else { return String::new() };
    let form = "%Y-%m-%dT%H:%M:%SZ";
    format!(" ({event} {}, and this machine's clock says {})", limit.format(form), ours.format(form))
}

const fn to_do(reason: &NoConnection) -> &'static str {
    match reason {
        NoConnection::NoAddress => {
            "check the hosts in base_url and token_url, and this machine's DNS (in a cluster: that port 53 may be \
             spoken to)"
        }
        NoConnection::Refused => {
            "check the ports in base_url and token_url, and whether a proxy has to be used (HTTPS_PROXY) or the one \
             that is set still runs"
        }
        NoConnection::NoRoute => "check this machine's network: its address, its gateway, its VPN",
        NoConnection::TimedOut => {
            "a firewall or a network policy may swallow what is sent: let this machine out to the provider's port, or \
             set the proxy that has to be used (HTTPS_PROXY)"
        }
        NoConnection::Expired(_) => {
            "look at this machine's clock first and set it by NTP if it is wrong; if it is right, the provider has to \
             renew the certificate: tell them"
        }
        NoConnection::NotYetValid(_) => "this machine's clock is most likely behind: set it by NTP",
        NoConnection::UnknownAuthority => {
            "a proxy that opens TLS may stand between: put its authority into this machine's trust store (or name its \
             file in SSL_CERT_FILE); where there is none, install ca-certificates, and do not go on before it is known \
             who answers"
        }
        NoConnection::WrongName(_) => {
            "check the hosts in base_url and token_url; if they are right, DNS or a proxy leads elsewhere: nothing was \
             sent there"
        }
        NoConnection::Tls => "ask whoever runs the network whether a proxy breaks TLS; tieout speaks TLS 1.2 and 1.3",
    }
}
