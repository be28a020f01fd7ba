//! docs/nginx.md: the file that it shows, in a real nginx in front of Tidings; and deploy/nginx.conf, the proxy of
//! docker-compose.yml.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use reqwest::{Client, Method, multipart};
use serde_json::json;
use tempfile::TempDir;
use tidings_testkit::{Agora, Compose, Installation, Process, Reply, free_address, wait_until};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

const PAGE: &str = include_str!("../../../docs/nginx.md");
const HOST: &str = "chat.example.com";

/// The printed file with addresses and paths of this machine.
fn printed(folder: &Path, gateways: &[String], (plain, secure): (&str, &str)) -> String {
    let site = PAGE.split("```nginx\n").nth(1).unwrap().split("```").next().unwrap();
    let mut site = site.to_owned();
    let servers = |addresses: &[&str]| {
        let lines = addresses.iter().map(|address| format!("    server {address} max_fails=1 fail_timeout=1s;\n"));
        lines.collect::<String>()
    };
    let gateways: Vec<&str> = gateways.iter().map(|url| url.trim_start_matches("http://")).collect();
    for (said, here) in [
        (servers(&["127.0.0.1:8080", "127.0.0.1:8081"]), servers(&gateways)),
        ("listen 80;".to_owned(), format!("listen {plain};")),
        ("listen 443 ssl;".to_owned(), format!("listen {secure} ssl;")),
        ("/etc/ssl/chat.example.com/fullchain.pem".to_owned(), folder.join("cert.pem").display().to_string()),
        ("/etc/ssl/chat.example.com/key.pem".to_owned(), folder.join("key.pem").display().to_string()),
    ] {
        assert!(site.contains(&said), "docs/nginx.md no longer says {said}");
        site = site.replace(&said, &here);
    }
    site
}

/// Runs nginx with these parts of the block `http`, and files of its own in the folder.
///
/// # Panics
/// When it is not installed.
fn serve(folder: &Path, site: &str) -> Process {
    let at = folder.display();
    let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let own = own.iter().map(|name| format!("    {name}_temp_path {at}/{name};\n")).collect::<Vec<_>>().concat();
    let text = format!(
        "pid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\nhttp {{\n    access_log {at}/access.log;\n{own}{site}}}\n"
    );
    serve_whole(folder, &text)
}

/// Runs nginx with a whole configuration.
///
/// # Panics
/// When it is not installed.
pub fn serve_whole(folder: &Path, configuration: &str) -> Process {
    if let Ok(why) = std::env::var("TIDINGS_TEST_NGINX_MISSING") {
        panic!("nginx could not be installed: {why}");
    }
    // Its workers run as another user when root starts it.
    let user = if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" { "user root;\n" } else { "" };
    let file = folder.join("nginx.conf");
    fs::write(&file, format!("{user}daemon off;\n{configuration}")).unwrap();
    let words = ["sh", "-c", "PATH=$PATH:/usr/sbin exec nginx -c \"$1\" -p \"$2\"", "sh"];
    let places = [file.display().to_string(), folder.display().to_string()];
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).chain(places).collect();
    Process::run(&words, &[])
}

/// The service `proxy` of docker-compose.yml, by the nginx of this machine, which does not resolve names again as
/// Compose's does.
pub struct ComposeProxy {
    /// Port 8080.
    pub url: String,
    /// Port 8081, for a proxy of the operator's.
    pub behind: String,
    /// Port 9090.
    pub door: String,
    /// nginx.
    pub process: Process,
}

impl ComposeProxy {
    /// With files of its own in the folder; gateways and doors are ports of this machine.
    pub fn launch(folder: &Path, gateways: &[&str], doors: &[&str]) -> Self {
        let compose = Compose::read();
        let service = compose.service("proxy");
        assert!(service.read_only && service.cap_drop == ["ALL"]);
        let mounted = service.volumes[0].split_once(':').unwrap();
        assert_eq!(mounted.1, "/etc/nginx/nginx.conf:ro");
        let mut site = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(mounted.0)).unwrap();
        let [address, behind, door] = [free_address(), free_address(), free_address()];
        let servers = |ports: &[&str]| {
            let lines = ports.iter().map(|port| format!("server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;"));
            lines.collect::<Vec<_>>().join("\n        ")
        };
        for (said, here) in [
            ("server gateway:8080 resolve max_fails=1 fail_timeout=1s;", servers(gateways)),
            ("server gateway:9090 resolve max_fails=1 fail_timeout=1s;", servers(doors)),
            ("listen 8080;", format!("listen {address};")),
            ("listen 8081;", format!("listen {behind};")),
            // The port in the maps.
            ("8081 ", format!("{} ", behind.rsplit_once(':').unwrap().1)),
            // As older versions want it.
            ("listen 9090;\n        http2 on;", format!("listen {door} http2;")),
        ] {
            assert!(site.contains(said), "deploy/nginx.conf no longer says {said}");
            site = site.replace(said, &here);
        }
        let process = serve_whole(folder, &site.replace("/tmp/", &format!("{}/", folder.display())));
        let [url, behind, door] = [address, behind, door].map(|address| format!("http://{address}"));
        Self { url, behind, door, process }
    }

    /// Waits until a request gets through.
    pub async fn ready(&mut self) {
        wait_until("the proxy to serve", async || {
            assert_eq!(self.process.ended(), None, "{}", self.process.logged());
            reqwest::get(format!("{}/livez", self.url)).await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }
}

/// A running nginx with the printed file.
pub struct Nginx {
    /// Trusts nginx's certificate, and resolves its host.
    pub http: Client,
    /// The public URL.
    pub url: String,
    /// Dropped before the folder.
    _process: Process,
    folder: TempDir,
}

/// A free address for nginx, and its public URL.
pub fn reserved() -> (String, String) {
    let secure = free_address();
    let url = format!("https://{HOST}:{}", secure.rsplit_once(':').unwrap().1);
    (secure, url)
}

impl Nginx {
    /// At a reserved address, in front of running gateways.
    pub async fn start((secure, url): (String, String), gateways: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = free_address();
        let (key, cert) = (folder.path().join("key.pem"), folder.path().join("cert.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        openssl.args(["-subj", "/CN=chat.example.com", "-keyout"]).arg(&key).arg("-out").arg(&cert);
        let made = openssl.output().expect("openssl is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut process = serve(folder.path(), &printed(folder.path(), gateways, (&plain, &secure)));

        let address = secure.parse().unwrap();
        let http = Client::builder().danger_accept_invalid_certs(true).resolve(HOST, address).build().unwrap();
        wait_until("nginx to serve", async || {
            assert_eq!(process.ended(), None, "{}", process.logged());
            http.get(format!("{url}/livez")).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        Self { http, url, _process: process, folder }
    }

    /// The log of nginx.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap()
    }
}

/// nginx in front of an installation.
struct Proxied {
    http: Client,
    url: String,
    env: std::collections::HashMap<String, String>,
    nginx: Nginx,
    installation: Installation,
}

impl Proxied {
    async fn start() -> Self {
        let reserved = reserved();
        let mut installation = Installation::default();
        // The page's settings for Tidings.
        installation.set("TIDINGS_PUBLIC_URL", &reserved.1);
        installation.set("TIDINGS_TRUSTED_PROXIES", "[\"127.0.0.1/32\"]");
        installation.start().await;
        let nginx = Nginx::start(reserved, &[installation.url()]).await;
        Self { http: nginx.http.clone(), url: nginx.url.clone(), env: installation.env(), nginx, installation }
    }

    fn base(&self) -> String {
        format!("{}/{}/{}", self.url, self.env["TIDINGS_ORG"], self.env["TIDINGS_APP"])
    }

    async fn token(&self) -> String {
        let (id, secret) = (&self.env["TIDINGS_CLIENT_ID"], &self.env["TIDINGS_CLIENT_SECRET"]);
        let grant = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
        let answer = Reply::to(self.http.post(format!("{}/token", self.base())).json(&grant)).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn upload(&self, token: &str, bytes: Vec<u8>) -> Reply {
        let form = multipart::Form::new().part("file", multipart::Part::bytes(bytes).file_name("film.mp4"));
        Reply::to(self.http.post(format!("{}/chatfiles", self.base())).bearer_auth(token).multipart(form)).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_file_lets_through_what_tidings_takes_and_says_no_in_tidings_words() {
    const MIB: usize = 1024 * 1024;
    let proxied = Proxied::start().await;
    let token = proxied.token().await;

    // Ten megabytes, the default of max_file_bytes, there and back.
    let video: Vec<u8> = (0..10 * MIB).map(|n| (n % 251) as u8).collect();
    let answer = proxied.upload(&token, video.clone()).await.expect(200);
    let uuid = answer["entities"][0]["uuid"].as_str().unwrap();
    let address = answer["uri"].as_str().unwrap();
    assert!(address.starts_with(&proxied.url), "{address}");
    let fetched =
        proxied.http.get(format!("{}/chatfiles/{uuid}", proxied.base())).bearer_auth(&token).send().await.unwrap();
    assert!(fetched.status().is_success() && fetched.bytes().await.unwrap() == video);
    let refused = proxied.upload(&token, vec![7; 10 * MIB + 1]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (413, &json!("file exceeding maximum limit")));

    // A message that is too large for Tidings: its own error, not nginx's page.
    let long = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "x".repeat(2 * MIB)}});
    let send = proxied.http.post(format!("{}/messages/users", proxied.base())).bearer_auth(&token).json(&long);
    let refused = Reply::to(send).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (413, &json!("Request Entity Too Large")));

    // Headers with underscores.
    let login = proxied
        .http
        .post(format!("{}/token/user", proxied.url))
        .header("app_id", &proxied.env["TIDINGS_LANYING_APP_ID"]);
    let nobody = Reply::to(login.json(&json!({"name": "nobody", "password": "x"}))).await;
    assert_ne!(nobody.json()["code"], 40000, "{}", nobody.text);

    assert_eq!(Reply::to(proxied.http.get(format!("{}/readyz", proxied.url))).await.status.as_u16(), 404);
    let error_log = proxied.nginx.errors();
    assert!(!error_log.contains("buffered to a temporary file"), "{error_log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_comes_through_nginx_while_the_stream_is_open_and_a_long_poll_waits() {
    let proxied = Proxied::start().await;
    let token = proxied.token().await;
    let mut agora = Agora::anonymous(&proxied.base()).with_token(&token);
    agora.base =
        format!("{}/{}/{}", proxied.installation.url(), proxied.env["TIDINGS_ORG"], proxied.env["TIDINGS_APP"]);
    agora.register(&["ann", "bob"]).await;
    let stream = proxied.http.request(Method::GET, format!("{}/tidings/events?after=now", proxied.base()));
    let stream = stream.bearer_auth(&token).header("accept", "text/event-stream").send().await.unwrap();
    assert!(stream.status().is_success());
    let mut chunks = stream.bytes_stream();
    // The first frame contains the cursor of the stream.
    let mut seen = String::from_utf8(chunks.next().await.unwrap().unwrap().to_vec()).unwrap();
    agora.send_text("ann", "bob", "streamed").await;
    let reading = async {
        while !seen.contains("streamed") {
            seen += &String::from_utf8_lossy(&chunks.next().await.unwrap().unwrap());
        }
    };
    // Heartbeats alone would fill no buffer in that time.
    tokio::time::timeout(Duration::from_mins(1), reading).await.expect("the event is not held back");
    assert!(PAGE.contains("proxy_read_timeout 90s"), "a long poll waits for up to 60 seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_connect_through_nginx_and_other_requests_share_its_connections() {
    let proxied = Proxied::start().await;
    for path in ["/tidings/ws", "/websocket", "/ws/1/ab/websocket"] {
        let upgrade = proxied.http.get(format!("{}{path}", proxied.url)).header("connection", "Upgrade");
        let upgrade = upgrade.header("upgrade", "websocket").header("sec-websocket-version", "13");
        let answer = upgrade.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["upgrade"]), (101, &"websocket".parse().unwrap()));
    }
}

/// A gateway that dies on every request that it has read, and counts them.
async fn dying() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(free_address()).await.unwrap();
    let (url, requests) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok_and(|length| length > 0) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (url, requests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_gateway_died_over_goes_to_another_one_only_if_it_is_safe() {
    let mut installation = Installation::default();
    installation.start().await;
    let direct = installation.agora().await;
    direct.register(&["ann", "bob"]).await;
    let (dead, requests) = dying().await;
    let nginx = Nginx::start(reserved(), &[installation.url(), dead]).await;
    let base = format!("{}/{}/{}", nginx.url, installation.env()["TIDINGS_ORG"], installation.env()["TIDINGS_APP"]);
    let message = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "once"}});
    let send = || nginx.http.post(format!("{base}/messages/users")).bearer_auth(&direct.token).json(&message);
    // Until it reached the one that dies: nginx then skips that for a second.
    let met = async |make: &dyn Fn() -> reqwest::RequestBuilder| loop {
        let before = requests.load(Ordering::SeqCst);
        let status = make().send().await.unwrap().status().as_u16();
        match requests.load(Ordering::SeqCst) - before {
            0 => assert_eq!(status, 200),
            met => return (status, met),
        }
    };
    let get = || nginx.http.get(format!("{base}/users/ann")).bearer_auth(&direct.token);
    assert_eq!(met(&get).await, (200, 1));
    let next = AtomicUsize::new(0);
    let keyed = || send().header("idempotency-key", format!("key{}", next.fetch_add(1, Ordering::SeqCst)));
    assert_eq!(met(&keyed).await, (200, 1));
    assert_eq!(met(&send).await, (502, 1));
    // By its method nginx would consider it safe to retry.
    let put = || {
        let lanying = installation.lanying();
        let text = json!({"type": 1, "content": "once", "content_type": 0, "target_ids": [1]});
        let put = nginx.http.put(format!("{}/message/send", nginx.url)).header("app_id", &lanying.app_id);
        put.header("access-token", lanying.token).json(&text)
    };
    assert_eq!(met(&put).await, (502, 1));
}

/// The proxy of docker-compose.yml in front of an installation with the settings of the service `gateway`.
struct Composed {
    proxy: ComposeProxy,
    agora: Agora,
    installation: Installation,
    _folder: TempDir,
}

impl Composed {
    async fn start() -> Self {
        let compose = Compose::read();
        let gateway = &compose.service("gateway").environment;
        let trusted = gateway["TIDINGS_TRUSTED_PROXIES"].replace('[', "[\"127.0.0.0/8\", ");
        let mut installation = Installation::default().with("TIDINGS_TRUSTED_PROXIES", &trusted);
        installation.set("TIDINGS_PUBLIC_URL", &gateway["TIDINGS_PUBLIC_URL"]);
        installation.start().await;
        let agora = installation.agora().await;
        agora.register(&["ann", "bob"]).await;
        let folder = tempfile::tempdir().unwrap();
        let port = |url: String| url.rsplit_once(':').unwrap().1.to_owned();
        let (rest, grpc) = (port(installation.url()), port(installation.grpc_url()));
        let mut proxy = ComposeProxy::launch(folder.path(), &[&rest], &[&grpc]);
        proxy.ready().await;
        Self { proxy, agora, installation, _folder: folder }
    }

    fn base(&self, url: &str) -> String {
        self.agora.base.replace(&self.installation.url(), url)
    }

    /// The status of a login that says that it comes from there.
    async fn login(&self, url: &str, name: &str, password: &str, forwarded: &str) -> u16 {
        let login = json!({"grant_type": "password", "username": name, "password": password});
        let call = reqwest::Client::new().post(format!("{}/token", self.base(url))).json(&login);
        Reply::to(call.header("x-forwarded-for", forwarded)).await.status.as_u16()
    }

    /// The address of a file that was uploaded over TLS, says the caller.
    async fn uploaded(&self, url: &str) -> String {
        let form = multipart::Form::new().part("file", multipart::Part::bytes(vec![1]).file_name("note.txt"));
        let call = reqwest::Client::new().post(format!("{}/chatfiles", self.base(url))).bearer_auth(&self.agora.token);
        let answer = Reply::to(call.header("x-forwarded-proto", "https").multipart(form)).await.expect(200);
        answer["uri"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_of_the_operators_one_clients_wrong_passwords_lock_out_nobody_else() {
    let composed = Composed::start().await;
    let behind = composed.proxy.behind.clone();
    let mut statuses = Vec::new();
    for attempt in 0..11 {
        // What the client itself says comes first; its proxy adds the address that it sees.
        let forwarded = format!("198.51.100.{attempt}, 203.0.113.9");
        statuses.push(composed.login(&behind, "ann", "wrong", &forwarded).await);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(composed.login(&behind, "ann", "ann-password", "203.0.113.9").await, 429);
    assert_eq!(composed.login(&behind, "ann", "ann-password", "203.0.113.10").await, 200);
    let uri = composed.uploaded(&behind).await;
    assert!(uri.starts_with(&behind.replace("http://", "https://")), "{uri}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_port_for_clients_of_compose_nobody_says_from_where_and_how_they_come() {
    let composed = Composed::start().await;
    let url = composed.proxy.url.clone();
    let mut statuses = Vec::new();
    for attempt in 0..11 {
        statuses.push(composed.login(&url, "ann", "wrong", &format!("203.0.113.{attempt}")).await);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    let uri = composed.uploaded(&url).await;
    assert!(uri.starts_with(&url), "{uri}");
}
