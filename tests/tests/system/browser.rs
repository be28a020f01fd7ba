//! What a browser makes of Tidings: the page of docs/realtime.md, and pages of other origins.

use std::path::Path;

use serde_json::{Value, json};
use tidings_testkit::{Agora, Answer, Browser, Installation, Page, Receiver};

const DOCS: &str = include_str!("../../../docs/realtime.md");

fn printed_page() -> &'static str {
    DOCS.split("```html\n").nth(1).unwrap().split("```\n").next().unwrap()
}

/// A site with the printed page.
fn site() -> Receiver {
    Receiver::start(|_| {
        Answer::status(200).with_body(printed_page()).with_header("content-type", "text/html; charset=utf-8")
    })
}

/// An installation that allows pages of these origins.
async fn allowing(origins: &[&str]) -> Installation {
    let mut installation = Installation::default().with("TIDINGS_CORS_ORIGINS", &json!(origins).to_string());
    installation.start().await;
    installation.agora().await.register(&["ann", "bob"]).await;
    installation
}

async fn log_in(page: &mut Page, url: &str, user: &str, password: &str) {
    page.fill("[name=url]", url).await;
    page.fill("[name=user]", user).await;
    page.fill("[name=password]", password).await;
    page.click("#login button").await;
}

async fn logged_in(browser: &Browser, site: &str, installation: &Installation, user: &str) -> Page {
    let mut page = browser.open(site).await;
    log_in(&mut page, &installation.url(), user, &format!("{user}-password")).await;
    shows(&mut page, &format!("connected as {user}")).await;
    page
}

async fn send(page: &mut Page, to: &str, text: &str) {
    page.fill("[name=to]", to).await;
    page.fill("[name=text]", text).await;
    page.click("#send button").await;
}

/// Waits for an entry of the log that begins so.
async fn shows(page: &mut Page, text: &str) {
    let entries = "[...document.querySelectorAll('#log li')]";
    page.wait_for(&format!("{entries}.some((entry) => entry.textContent.startsWith({}))", json!(text))).await;
}

/// The messages in the log.
async fn messages(page: &mut Page) -> Value {
    page.evaluate("[...document.querySelectorAll('#log li:not(.note):not(.error)')].map((entry) => entry.textContent)")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_page_sends_receives_and_misses_nothing_when_the_server_restarts() {
    let (site, browser) = (site(), Browser::start().await);
    let mut installation = allowing(&[&site.url()]).await;
    let mut ann = logged_in(&browser, &site.url(), &installation, "ann").await;
    let mut bob = logged_in(&browser, &site.url(), &installation, "bob").await;
    send(&mut ann, "bob", "hello, bob").await;
    shows(&mut bob, "ann to bob: hello, bob").await;
    send(&mut bob, "ann", "<b>hello</b>, ann").await;
    shows(&mut ann, "bob to ann: <b>hello</b>, ann").await;

    // Bob is away while the server restarts and messages are sent.
    bob.set_offline(true).await;
    assert_eq!(installation.stop().await, 0);
    for page in [&mut ann, &mut bob] {
        shows(page, "disconnected, connecting again").await;
    }
    installation.start().await;
    let agora = installation.agora().await;
    for text in ["one", "two"] {
        agora.send_text("ann", "bob", text).await;
    }
    bob.set_offline(false).await;
    shows(&mut bob, "ann to bob: two").await;
    // Ann came back by herself.
    ann.wait_for("!document.querySelector('#send button').disabled").await;
    send(&mut ann, "bob", "three").await;
    shows(&mut bob, "ann to bob: three").await;
    let all = [
        "ann to bob: hello, bob",
        "bob to ann: <b>hello</b>, ann",
        "ann to bob: one",
        "ann to bob: two",
        "ann to bob: three",
    ];
    assert_eq!(messages(&mut bob).await, json!(all));

    // For whoever wants to see it.
    if let Some(folder) = std::env::var_os("TIDINGS_TEST_PICTURES") {
        send(&mut bob, "nobody at all", "to nobody").await;
        shows(&mut bob, "refused: ").await;
        bob.save_picture(&Path::new(&folder).join("realtime.png")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_page_shows_what_is_wrong() {
    let (site, browser) = (site(), Browser::start().await);
    let mut installation = allowing(&[&site.url()]).await;
    let mut page = browser.open(&site.url()).await;
    log_in(&mut page, &installation.url(), "ann", "wrong").await;
    shows(&mut page, "invalid password").await;
    log_in(&mut page, &installation.url(), "ann", "ann-password").await;
    shows(&mut page, "connected as ann").await;
    send(&mut page, "no such user!", "hello").await;
    shows(&mut page, "refused: ").await;
    installation.agora().await.delete("/users/ann").await.expect(200);
    shows(&mut page, "closed: 4401").await;
    installation.stop().await;
    log_in(&mut page, &installation.url(), "ann", "ann-password").await;
    shows(&mut page, &format!("{} cannot be reached", installation.url())).await;
    assert_eq!(page.evaluate("document.querySelector('#send button').disabled").await, true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_page_works_as_a_file_where_every_origin_may_call() {
    let (installation, browser) = (allowing(&["*"]).await, Browser::start().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, printed_page()).unwrap();
    let mut page = logged_in(&browser, &format!("file://{}", file.display()), &installation, "ann").await;
    installation.agora().await.send_text("bob", "ann", "hello, file").await;
    shows(&mut page, "bob to ann: hello, file").await;
}

/// What a page can do: read the answer of a login, of a read that needs a preflight, of a Lanying call, and connect.
async fn can(page: &mut Page, installation: &Installation, agora: &Agora) -> Value {
    let (url, app) = (json!(installation.url()), json!(agora.base));
    let (token, lanying) = (json!(format!("Bearer {}", agora.token)), installation.lanying());
    let lanying = json!({"app_id": lanying.app_id, "access-token": lanying.token, "content-type": "application/json"});
    let script = format!(
        "(async () => {{
            const status = async (url, init) => {{
                try {{
                    const answer = await fetch(url, init)
                    return [answer.status, answer.headers.has('x-request-id')]
                }} catch (fault) {{
                    return fault.name
                }}
            }}
            const login = JSON.stringify({{ grant_type: 'password', username: 'ann', password: 'ann-password' }})
            return {{
                login: await status({app} + '/token', {{ method: 'POST', body: login }}),
                read: await status({app} + '/users/ann', {{ headers: {{ authorization: {token}, 'x-of-the-page': '1' }} }}),
                removal: await status({app} + '/users/bob', {{ method: 'DELETE', headers: {{ authorization: {token} }} }}),
                lanying: await status({url} + '/message/unread', {{ headers: {lanying} }}),
                socket: await new Promise((done) => {{
                    const socket = new WebSocket({url}.replace('http', 'ws') + '/tidings/ws')
                    socket.onopen = () => done('open')
                    socket.onclose = ({{ code }}) => done(code)
                }}),
                vendor: await new Promise((done) => {{
                    const socket = new WebSocket({url}.replace('http', 'ws') + '/websocket')
                    socket.onopen = () => done('open')
                    socket.onclose = ({{ code }}) => done(code)
                }}),
            }}
        }})()"
    );
    page.evaluate(&script).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_allowed_origins_may_call_and_connect_and_others_may_not() {
    let (allowed, foreign, browser) = (site(), site(), Browser::start().await);
    let installation = allowing(&[&allowed.url()]).await;
    let agora = installation.agora().await;

    let all = "TypeError";
    let refused = json!({"login": all, "read": all, "removal": all, "lanying": all, "socket": 1006, "vendor": 1006});
    let mut page = browser.open(&foreign.url()).await;
    assert_eq!(can(&mut page, &installation, &agora).await, refused);
    agora.get("/users/bob").await.expect(200);
    assert!(!page.reported().is_empty());
    // The page says so.
    log_in(&mut page, &installation.url(), "ann", "ann-password").await;
    shows(
        &mut page,
        &format!("{} cannot be reached, or does not allow pages from {}", installation.url(), foreign.url()),
    )
    .await;

    let mut page = browser.open(&allowed.url()).await;
    let done = can(&mut page, &installation, &agora).await;
    for call in ["login", "read", "removal"] {
        assert_eq!(done[call], json!([200, true]), "{call}: {done}");
    }
    // The answer is an error of Lanying's, since its token is the app's: it can be read.
    assert!(done["lanying"].is_array(), "{done}");
    assert_eq!((&done["socket"], &done["vendor"]), (&json!("open"), &json!("open")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_the_servers_own_host_may_always_connect() {
    let (installation, browser) = (allowing(&[]).await, Browser::start().await);
    let agora = installation.agora().await;
    let mut page = browser.open(&format!("{}/livez", installation.url())).await;
    let done = can(&mut page, &installation, &agora).await;
    assert_eq!((&done["login"], &done["socket"]), (&json!([200, true]), &json!("open")), "{done}");
    let mut foreign = browser.open(&site().url()).await;
    assert_eq!(can(&mut foreign, &installation, &agora).await["socket"], 1006);
}
