//! The demo's page in a real browser: headless Chromium, driven over `WebDriver`.

use super::standin::client::send;
use super::standin::world::{REPOSITORY, World};
use base64::Engine as _;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use waypost::standin::founding;

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
const TRACE: &str = "/waypost trace http://shop.example.com/cart";
/// How long anything on the page may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser window; closed when dropped.
struct Browser {
    driver: Child,
    session: String,
    profile: PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.driver.kill());
        drop(self.driver.wait());
        drop(std::fs::remove_dir_all(&self.profile));
    }
}

impl Browser {
    async fn open(dark: bool) -> Self {
        // Port 0 is not read back from chromedriver in all versions: ask the system for a port that is free now.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let profile = std::env::temp_dir().join(format!("waypost-chromium-{}-{dark}", std::process::id()));
        std::fs::create_dir_all(&profile).unwrap();
        let driver = Command::new(CHROMEDRIVER).arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}"), profile };
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1360,1700",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", browser.profile.display()));
        if dark {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"binary": CHROMIUM, "args": arguments}}}});
        let started = Instant::now();
        let answer = loop {
            match send("POST", &format!("{}/session", browser.session), &[], wanted.to_string()).await {
                Ok(answer) => break answer,
                Err(error) => assert!(started.elapsed() < PATIENCE, "chromedriver does not answer: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let id = answer.json()["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {}", answer.text)).to_owned();
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        let answer = send("POST", &format!("{}{path}", self.session), &[], body.to_string()).await.unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()["value"].clone()
    }

    async fn goto(&self, url: &str) {
        self.command("/url", json!({"url": url})).await;
    }

    /// Runs a script in the page and returns what it returns.
    async fn script(&self, script: &str) -> Value {
        self.command("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Waits until an expression is true in the page.
    async fn until(&self, expression: &str) {
        let started = Instant::now();
        while self.script(&format!("return Boolean({expression})")).await != Value::Bool(true) {
            if started.elapsed() > PATIENCE {
                let page = self.script("return document.body.innerText").await;
                panic!("never true: {expression}\non the page:\n{}", page.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.command("/element", json!({"using": "css selector", "value": selector})).await;
        found.as_object().and_then(|object| object.values().next()).and_then(Value::as_str).unwrap().to_owned()
    }

    async fn click(&self, selector: &str) {
        let id = self.element(selector).await;
        self.command(&format!("/element/{id}/click"), json!({})).await;
    }

    async fn write(&self, selector: &str, text: &str) {
        let id = self.element(selector).await;
        self.command(&format!("/element/{id}/value"), json!({"text": text})).await;
    }

    async fn screenshot(&self, name: &str) {
        let answer = send("GET", &format!("{}/screenshot", self.session), &[], String::new()).await.unwrap();
        let image = base64::engine::general_purpose::STANDARD.decode(answer.json()["value"].as_str().unwrap()).unwrap();
        assert!(image.starts_with(b"\x89PNG") && image.len() > 40_000, "a picture of nothing: {} bytes", image.len());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(folder.join(name), image).unwrap();
    }
}

/// Whether there is a browser to drive. In CI there must be.
fn browser_is_here() -> bool {
    let here = Path::new(CHROMIUM).exists() && Path::new(CHROMEDRIVER).exists();
    if !here {
        assert!(std::env::var("CI").is_err(), "no chromium and chromedriver, which CI must have");
        println!("skipped: no chromium");
    }
    here
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_diff_check_and_comment_and_plays_along() {
    if !browser_is_here() {
        return;
    }
    let (world, number) = World::founding("browser").await;
    world.github.offer_push(REPOSITORY, number, &founding::fix(), ("Push the fix", "Take web05 out until the inventory knows it"));
    world.github.suggest(REPOSITORY, number, TRACE);
    world.github.suggest(REPOSITORY, number, "/waypost help");
    let browser = Browser::open(false).await;
    browser.goto(&world.github.page_url(REPOSITORY, number)).await;

    // The verdict arrives without reloading.
    browser.until("document.querySelector('.checks.bad [data-check=\"waypost\"][data-conclusion=\"failure\"]')").await;
    browser.until("document.querySelector('.comment[data-author=\"waypost[bot]\"]')?.innerText.includes('10.20.1.15:8080')").await;
    browser.until(&format!("document.querySelector('[data-path=\"{}\"] tr.added')?.innerText.length", founding::CHANGED)).await;
    browser.until(&format!("document.querySelector('[data-annotation=\"{}:8\"]')?.innerText.includes('10.20.1.15:8080')", founding::CHANGED)).await;
    // Nothing is wider than the window.
    browser.until("document.documentElement.scrollWidth <= window.innerWidth").await;
    browser.screenshot("demo-failure.png").await;

    // What one types stays while the page changes.
    browser.write("#body", TRACE).await;
    world.github.comment_as_user(REPOSITORY, number, "you", "Looks fine to me.");
    browser.until("document.body.innerText.includes('Looks fine to me.')").await;
    assert_eq!(browser.script("return document.getElementById('body').value").await, json!(TRACE));
    browser.click("#send").await;
    browser.until("[...document.querySelectorAll('.comment[data-author=\"waypost[bot]\"]')].length === 2").await;
    browser.until("[...document.querySelectorAll('.comment[data-author=\"waypost[bot]\"]')][1].innerText.includes('10.20.1.15:8080')").await;
    browser.until("document.querySelector('.reaction')").await;
    assert_eq!(browser.script("return document.getElementById('body').value").await, json!(""));

    browser.click("button[data-offer]").await;
    browser.until("document.querySelector('.checks.good [data-check=\"waypost\"][data-conclusion=\"success\"]')").await;
    browser.until("!document.querySelector('button[data-offer]')").await;
    browser.screenshot("demo-success.png").await;
    let errors =
        browser.script("return performance.getEntriesByType('resource').filter((entry) => !entry.name.startsWith(location.origin)).length").await;
    assert_eq!(errors, json!(0), "nothing comes from elsewhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_readable_in_the_dark_and_without_a_wide_window() {
    if !browser_is_here() {
        return;
    }
    let (world, number) = World::founding("dark").await;
    world.comments(number, 1).await;
    let browser = Browser::open(true).await;
    browser.command("/window/rect", json!({"width": 520, "height": 1700})).await;
    browser.goto(&world.github.page_url(REPOSITORY, number)).await;
    browser.until("document.querySelector('.checks [data-check=\"waypost\"]')").await;
    browser.until("document.documentElement.scrollWidth <= window.innerWidth").await;
    browser.screenshot("demo-dark.png").await;
}
