//! The envelope in the hands of another implementation: `PyNaCl`, which is libsodium.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tieout::providers::card_issuing::{Client, OrderKind};
use tieout::sandbox::card_issuing::{API_KEY, ENCRYPTION_KEY};

use crate::support::issuing::{config, envelope, sandbox};

/// A Python that has `PyNaCl`; `.ci/envelope` says which.
fn python(script: &str, arguments: &[&str]) -> Command {
    let python = std::env::var("TIEOUT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg("-c").arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// What a script answers to one JSON document.
fn told(script: &str, arguments: &[&str], asked: &Value) -> Value {
    let mut child = python(script, arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

const SIZES: [usize; 10] = [0, 1, 15, 16, 17, 63, 64, 65, 1000, 1 << 20];

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

const BOTH_WAYS: &str = "
import base64, json, sys
from nacl.secret import SecretBox
box = SecretBox(base64.b64decode(sys.argv[1]))
asked = json.load(sys.stdin)
text = lambda n: bytes(at * 31 % 251 for at in range(n))
json.dump({
    'opened': [box.decrypt(base64.b64decode(sealed)) == text(n) for n, sealed in asked],
    'sealed': [base64.b64encode(box.encrypt(text(n))).decode() for n, _ in asked],
}, sys.stdout)
";

#[test]
#[ignore = "needs PyNaCl: .ci/envelope"]
fn two_implementations_open_what_the_other_has_sealed() {
    let sealed: Vec<_> = SIZES.iter().map(|size| json!([size, envelope().seal(&text(*size)).unwrap()])).collect();
    let answer = told(BOTH_WAYS, &[ENCRYPTION_KEY], &json!(sealed));
    assert_eq!(answer["opened"], json!(vec![true; 10]));
    for (size, sealed) in SIZES.iter().zip(answer["sealed"].as_array().unwrap()) {
        assert_eq!(envelope().open(sealed.as_str().unwrap()).unwrap(), text(*size), "{size} bytes");
    }
}

const CLIENT: &str = "
import base64, json, sys, time, urllib.request
from nacl.secret import SecretBox
box = SecretBox(base64.b64decode(sys.argv[1]))
payload = dict(json.load(sys.stdin), request_timestamp=time.time_ns() // 1000)
body = json.dumps({'encrypted': base64.b64encode(box.encrypt(json.dumps(payload).encode())).decode()}).encode()
headers = {'API-KEY': sys.argv[2], 'Content-Type': 'application/json'}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
reply = json.load(opener.open(urllib.request.Request(sys.argv[3], body, headers)))
sys.stdout.write(box.decrypt(base64.b64decode(reply['encrypted'])).decode())
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PyNaCl: .ci/envelope"]
async fn a_client_of_pynacl_is_answered_by_the_sandbox() {
    let sandbox = sandbox("").await;
    let url = format!("{}/card_issuing/api/v1/orders/topup", sandbox.base_url);
    let asked = json!({ "order_id": "top-0319-001" });
    let order =
        tokio::task::spawn_blocking(move || told(CLIENT, &[ENCRYPTION_KEY, API_KEY, &url], &asked)).await.unwrap();
    assert_eq!((&order["success"], &order["order_id"]), (&json!(true), &json!("top-0319-001")));
}

const SERVER: &str = "
import base64, http.server, json, sys, time
from nacl.secret import SecretBox
box = SecretBox(base64.b64decode(sys.argv[1]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        asked = json.loads(box.decrypt(base64.b64decode(body['encrypted'])))
        assert list(body) == ['encrypted'] and self.headers['API-KEY'] == sys.argv[2], body
        assert abs(asked['request_timestamp'] - time.time_ns() // 1000) < 30_000_000, asked
        text = '{\"success\": true, \"order_id\": \"%s\", \"amount\": 10.10, \"path\": \"%s\"}' % (asked['order_id'], self.path)
        reply = json.dumps({'encrypted': base64.b64encode(box.encrypt(text.encode())).decode()}).encode()
        self.send_response(200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    def log_message(self, *_): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
";

/// Ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PyNaCl: .ci/envelope"]
async fn our_client_is_answered_by_a_server_of_pynacl() {
    let mut server = Ending(python(SERVER, &[ENCRYPTION_KEY, API_KEY]).spawn().unwrap());
    let mut port = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let client = Client::new(&config(&format!("http://127.0.0.1:{}", port.trim()))).unwrap();
    let order = client.order(OrderKind::TopUp, "top-1").await.unwrap().unwrap();
    let path = "/card_issuing/api/v1/orders/topup";
    assert_eq!(order.get(), format!(r#"{{"success": true, "order_id": "top-1", "amount": 10.10, "path": "{path}"}}"#));
}
