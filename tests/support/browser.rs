//! A real browser, driven through pages: `chromedriver` and headless Chromium, started on a free port and ended with the
//! test. It is spoken to as the `WebDriver` standard says (<https://www.w3.org/TR/webdriver2/>), over plain HTTP.
//!
//! ```text
//! let browser = Browser::start().await;
//! browser.open(&format!("{base}/")).await;
//! browser.has("Periods").await;
//! browser.fill("#statement-preparer", "checked").await;
//! browser.click("button").await;
//! browser.is_accessible().await;
//! browser.shots("overview").await;
//! ```

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

/// A window's width and height.
pub(crate) const DESKTOP: (u32, u32) = (1280, 900);
pub(crate) const PHONE: (u32, u32) = (360, 740);

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// What names an element in answers of a driver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys as `WebDriver` names them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

/// One tab of a window.
pub(crate) struct Tab(String);

pub(crate) struct Browser {
    driver: Child,
    client: reqwest::Client,
    /// The address of the session.
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes its browser along when it is asked to end.
        let id = self.driver.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.driver.wait();
    }
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = std::env::var("TIEOUT_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let driver = Command::new(&program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start ({error}): see .ci/browser"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let mut browser = Self { driver, client, session: format!("http://127.0.0.1:{port}") };
        let flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                let made = browser.post("/session", &wanted).await;
                let id = made["sessionId"].as_str().expect("a session has its id").to_owned();
                browser.session = format!("{}/session/{id}", browser.session);
                browser.size(DESKTOP).await;
                return browser;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{program} does not listen on port {port}");
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let reply = request.send().await.map_err(|error| error.to_string())?;
        let is_well = reply.status().is_success();
        let text = reply.text().await.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        if is_well { Ok(answer["value"].take()) } else { Err(format!("{}", answer["value"]["message"])) }
    }

    async fn try_post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let post = self.client.post(format!("{}{path}", self.session)).header("content-type", "application/json");
        self.answer(post.body(body.to_string())).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body).await.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    async fn get(&self, path: &str) -> Value {
        let get = self.client.get(format!("{}{path}", self.session));
        self.answer(get).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Opens a page and waits until it is there.
    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await;
    }

    /// The address that the browser shows.
    pub(crate) async fn address(&self) -> String {
        self.get("/url").await.as_str().unwrap_or_default().to_owned()
    }

    /// What a script returns in the page.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// A command of Chromium's own protocol.
    async fn chromium(&self, command: &str, params: Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": params })).await
    }

    /// The text that a reader sees.
    pub(crate) async fn text(&self) -> String {
        self.script("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page has this text.
    pub(crate) async fn has(&self, text: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut seen = self.text().await;
        while !seen.contains(text) {
            assert!(tokio::time::Instant::now() < until, "no {text:?} at {}:\n{seen}", self.address().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
            seen = self.text().await;
        }
    }

    /// The element of a CSS selector, as soon as it is there.
    async fn element(&self, css: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": css });
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.try_post("/element", &wanted).await {
                Ok(found) => return found[ELEMENT].as_str().expect("an element has its id").to_owned(),
                Err(error) => assert!(tokio::time::Instant::now() < until, "no {css}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many elements there are now.
    pub(crate) async fn count(&self, css: &str) -> usize {
        let found = self.post("/elements", &json!({ "using": "css selector", "value": css })).await;
        found.as_array().map_or(0, Vec::len)
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    /// Clicks the button that says this.
    pub(crate) async fn press(&self, words: &str) {
        let xpath = format!("//button[normalize-space()='{words}']");
        let found = self.post("/element", &json!({ "using": "xpath", "value": xpath })).await;
        let element = found[ELEMENT].as_str().expect("an element has its id");
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    /// Follows the link that says this.
    pub(crate) async fn follow(&self, words: &str) {
        let found = self.post("/element", &json!({ "using": "link text", "value": words })).await;
        let element = found[ELEMENT].as_str().expect("an element has its id");
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    /// Writes into a field, in place of what stands there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/clear"), &json!({})).await;
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Keys to whatever has the focus; `WebDriver`'s own keys are in the range of U+E000.
    pub(crate) async fn keys(&self, text: &str) {
        let active = self.get("/element/active").await;
        let element = active[ELEMENT].as_str().expect("something has the focus");
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// What has the focus: its name, its id or its words.
    pub(crate) async fn focused(&self) -> String {
        let script =
            "const at = document.activeElement; return at.localName + ' ' + (at.id || at.name || at.innerText)";
        self.script(script).await.as_str().unwrap_or_default().trim().to_owned()
    }

    /// What a script in the page comes to that waits for something: it calls `done`.
    pub(crate) async fn waited(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1];\n{script}");
        self.post("/execute/async", &json!({ "script": script, "args": [] })).await
    }

    /// Another tab of the same window; everything is about it from now on.
    pub(crate) async fn another_tab(&self) -> Tab {
        let made = self.post("/window/new", &json!({ "type": "tab" })).await;
        let tab = Tab(made["handle"].as_str().expect("a tab has its name").to_owned());
        self.turn_to(&tab).await;
        self.size(DESKTOP).await;
        tab
    }

    /// The tab that everything is about.
    pub(crate) async fn tab(&self) -> Tab {
        Tab(self.get("/window").await.as_str().expect("a tab has its name").to_owned())
    }

    pub(crate) async fn turn_to(&self, tab: &Tab) {
        self.post("/window", &json!({ "handle": tab.0 })).await;
    }

    /// Whether scripts of pages run.
    pub(crate) async fn scripts(&self, run: bool) {
        self.chromium("Emulation.setScriptExecutionDisabled", json!({ "value": !run })).await;
    }

    /// The size of what is seen, as on such a screen.
    pub(crate) async fn size(&self, (width, height): (u32, u32)) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.chromium("Emulation.setDeviceMetricsOverride", params).await;
    }

    /// Light or dark, as a reader's system asks for.
    pub(crate) async fn dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.chromium("Emulation.setEmulatedMedia", json!({ "media": "", "features": features })).await;
    }

    /// As on paper, or as on a screen again.
    pub(crate) async fn print(&self, is_printed: bool) {
        self.chromium("Emulation.setEmulatedMedia", json!({ "media": if is_printed { "print" } else { "" } })).await;
    }

    /// Whether nothing has to be scrolled sideways but what scrolls by itself.
    pub(crate) async fn fits(&self) {
        let wide = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let found = self.script(wide).await;
        let [page, window] = [0, 1].map(|at| found[at].as_u64().unwrap());
        assert!(page <= window, "{} is {page} wide on {window}", self.address().await);
    }

    /// The whole page as a picture, in the folder of `TIEOUT_SHOTS`; nothing where that is not set.
    pub(crate) async fn shot(&self, name: &str) {
        let Some(folder) = std::env::var("TIEOUT_SHOTS").ok().filter(|folder| !folder.is_empty()) else { return };
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.chromium("Page.captureScreenshot", params).await;
        let picture = picture["data"].as_str().expect("a picture has bytes");
        let picture = base64::engine::general_purpose::STANDARD.decode(picture).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), picture).unwrap();
    }

    /// The page on a desktop and on a phone, light and dark, and on paper; it must fit everywhere.
    pub(crate) async fn shots(&self, name: &str) {
        for (size, of) in [(DESKTOP, "desktop"), (PHONE, "phone")] {
            self.size(size).await;
            for (is_dark, shade) in [(false, "light"), (true, "dark")] {
                self.dark(is_dark).await;
                self.fits().await;
                self.shot(&format!("{name}-{of}-{shade}")).await;
            }
        }
        self.size(DESKTOP).await;
        self.dark(false).await;
        self.print(true).await;
        self.shot(&format!("{name}-print")).await;
        self.print(false).await;
    }

    /// Nothing serious or critical is found by axe-core (`TIEOUT_AXE` is the path of `axe.min.js`), in light and dark.
    pub(crate) async fn is_accessible(&self) {
        let path = std::env::var("TIEOUT_AXE").expect("TIEOUT_AXE is the path of axe.min.js: see .ci/browser");
        let axe = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // Into the page by the driver: its own policy lets no script of others in.
        self.script(&format!("{axe}\nreturn true")).await;
        // Dark differs from light in colours alone.
        for (is_dark, rules) in [(false, "{}"), (true, "{runOnly: ['color-contrast']}")] {
            self.dark(is_dark).await;
            let run = format!(
                "const done = arguments[arguments.length - 1]; axe.run({rules}).then(found => done(found.violations), \
                 error => done([{{impact: 'critical', id: String(error), nodes: []}}]))"
            );
            let found = self.post("/execute/async", &json!({ "script": run, "args": [] })).await;
            let serious = |one: &&Value| matches!(one["impact"].as_str(), Some("serious" | "critical"));
            let told: Vec<String> = found
                .as_array()
                .expect("a list of violations")
                .iter()
                .filter(serious)
                .map(|one| {
                    let nodes = one["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let places: Vec<String> = nodes.iter().map(|node| node["html"].to_string()).collect();
                    format!("{} ({}): {}", one["id"], one["help"], places.join(" "))
                })
                .collect();
            assert!(told.is_empty(), "{} dark: {is_dark}\n{}", self.address().await, told.join("\n"));
        }
        self.dark(false).await;
    }

    /// Nothing was refused or has failed in the browser since it was asked last: the policy lets all in that pages need.
    pub(crate) async fn is_quiet(&self) {
        let loud = self.loud().await;
        assert!(loud.is_empty(), "{loud:?}");
    }

    /// The same but for answers of this status.
    pub(crate) async fn is_quiet_but(&self, status: u16) {
        let loud = self.loud().await;
        let told = format!("the server responded with a status of {status} ");
        assert!(loud.iter().all(|line| line.contains(&told)), "{loud:?}");
    }

    /// The page came with this status, and was quiet but for that.
    pub(crate) async fn came_with(&self, status: u16) {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        assert_eq!(self.script(script).await, status, "{}", self.address().await);
        self.is_quiet_but(status).await;
    }

    /// What the console says is serious, since it was asked last.
    async fn loud(&self) -> Vec<String> {
        let said = self.post("/se/log", &json!({ "type": "browser" })).await;
        let lines = said.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
