//! The Compose files and the Dockerfile: what both versions of Compose know, exact images, bounds; and the script that
//! replaces containers.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;
use tidings_testkit::{COMPOSE_FILES, Compose, yaml};

use crate::docs::read;

/// Keys of services that Compose 1.29 and 2 know, from the Compose specification as 1.29 has it.
const SERVICE_KEYS: [&str; 41] = [
    "build",
    "cap_add",
    "cap_drop",
    "command",
    "configs",
    "container_name",
    "cpus",
    "depends_on",
    "deploy",
    "devices",
    "dns",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extra_hosts",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "labels",
    "logging",
    "mem_limit",
    "mem_reservation",
    "network_mode",
    "networks",
    "pids_limit",
    "ports",
    "profiles",
    "read_only",
    "restart",
    "scale",
    "secrets",
    "security_opt",
    "shm_size",
    "stop_grace_period",
    "stop_signal",
    "tmpfs",
    "ulimits",
    "user",
    "volumes",
];

/// Keys of what is inside a service.
const INNER_KEYS: [(&str, &[&str]); 2] = [
    ("healthcheck", &["disable", "interval", "retries", "start_period", "test", "timeout"]),
    ("logging", &["driver", "options"]),
];

/// Images whose program can be asked by nothing that is in them.
const WITHOUT_HEALTHCHECK: [&str; 1] = ["otel-collector"];

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().unwrap().keys().map(String::as_str)
}

#[test]
fn compose_files_only_use_what_compose_1_29_and_2_both_know() {
    for file in COMPOSE_FILES {
        let whole = yaml(file);
        // 1.29 takes a file without `version` for one of the specification; 2 warns of one.
        let is_known = |key: &&str| ["services", "volumes"].contains(key) || key.starts_with("x-");
        assert!(keys(&whole).all(|key| is_known(&key)), "{file}");
        for (name, service) in whole["services"].as_object().unwrap() {
            let unknown: Vec<_> = keys(service).filter(|key| !SERVICE_KEYS.contains(key)).collect();
            assert!(unknown.is_empty(), "{file}, {name}: {unknown:?}");
            for (key, known) in INNER_KEYS {
                let mut inner = service.get(key).into_iter().flat_map(keys);
                assert!(inner.all(|inner| known.contains(&inner)), "{file}, {name}: {key}");
            }
            for (other, how) in service.get("depends_on").and_then(Value::as_object).into_iter().flatten() {
                assert!(whole["services"].get(other).is_some(), "{file}, {name} depends on {other}");
                assert_eq!(keys(how).collect::<Vec<_>>(), ["condition"], "{file}, {name}");
                let conditions = ["service_started", "service_healthy", "service_completed_successfully"];
                let condition = how["condition"].as_str().unwrap();
                assert!(conditions.contains(&condition), "{file}, {name}: {condition}");
                // Nothing becomes healthy without a health check.
                let has_check = whole["services"][other].get("healthcheck").is_some();
                assert!(has_check || condition != "service_healthy", "{file}, {name} waits for {other}");
            }
        }
    }
}

#[test]
fn every_service_of_compose_is_checked_restarted_and_bounded_and_published_on_loopback_alone() {
    for file in COMPOSE_FILES {
        let compose = Compose::of_file(file);
        for (name, service) in compose.all() {
            assert!(service.ports.iter().all(|port| port.starts_with("127.0.0.1:")), "{name}: {:?}", service.ports);
            assert!(service.mem_limit.is_some(), "{file}, {name} has no mem_limit");
            let logging = service.logging.as_ref().unwrap_or_else(|| panic!("{name} says nothing of its log"));
            assert!(logging.options.contains_key("max-size") && logging.options.contains_key("max-file"), "{name}");
            if service.is_job() {
                assert!(service.healthcheck.is_none(), "{file}, {name} ends by itself");
                continue;
            }
            assert_eq!(service.restart.as_deref(), Some("unless-stopped"), "{file}, {name}");
            let is_exempt = WITHOUT_HEALTHCHECK.contains(&name);
            assert_eq!(service.healthcheck.is_none(), is_exempt, "{file}, {name} has no health check");
            assert!(service.profiles.is_empty(), "{file}, {name} is not started");
        }
    }
}

/// Whether a tag names one release, so that what starts today starts tomorrow.
fn is_exact(image: &str) -> bool {
    let Some((name, tag)) = image.rsplit_once(':') else { return false };
    let version = tag.trim_start_matches('v').split('-').next().unwrap_or_default();
    let numbers =
        version.split('.').filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())).count();
    let has_date = tag.split('-').any(|part| part.len() == 8 && part.bytes().all(|b| b.is_ascii_digit()));
    match name {
        "tidings" => tag == "local",
        "debian" => has_date,
        // Its releases have two numbers, and are built on several versions of Debian.
        "postgres" => numbers == 2 && tag.contains('-'),
        "minio/minio" | "minio/mc" => tag.starts_with("RELEASE.20") && tag.ends_with('Z'),
        _ => numbers == 3,
    }
}

#[test]
fn every_image_has_an_exact_version() {
    let mut images = Vec::new();
    for file in COMPOSE_FILES {
        images.extend(Compose::of_file(file).all().map(|(_, service)| service.image.clone()));
    }
    let dockerfile = read(Path::new("Dockerfile"));
    let stages = dockerfile.lines().filter_map(|line| line.strip_prefix("FROM "));
    images.extend(stages.map(|stage| stage.split(' ').next().unwrap().to_owned()));
    let floating: Vec<_> = images.iter().filter(|image| !is_exact(image)).collect();
    assert!(floating.is_empty() && images.len() > 15, "{floating:?}");
    for floating in
        ["postgres:15", "postgres:15-bookworm", "debian:bookworm-slim", "rust:1.95-bookworm", "nats", "nats:2"]
    {
        assert!(!is_exact(floating), "{floating}");
    }
    // The versions of Rust are the same.
    let rust = read(Path::new("Cargo.toml"));
    let rust = rust.lines().find_map(|line| line.strip_prefix("rust-version = \"")).unwrap().trim_end_matches('"');
    assert!(images.iter().any(|image| image.starts_with(&format!("rust:{rust}."))), "{images:?}");
}

#[test]
fn the_dockerfile_needs_no_buildkit() {
    let dockerfile = read(Path::new("Dockerfile"));
    let of_buildkit = ["--mount", "# syntax", "<<", "--link", "--chmod"];
    let used: Vec<_> = of_buildkit.iter().filter(|word| dockerfile.contains(**word)).collect();
    assert!(used.is_empty(), "{used:?}");
}

/// A number of `m` or `g`, in MiB.
fn mebibytes(limit: &str) -> u64 {
    let (number, unit) = limit.split_at(limit.len() - 1);
    number.parse::<u64>().unwrap() * if unit == "g" { 1024 } else { 1 }
}

#[test]
fn what_bounds_its_own_memory_does_so_below_the_limit_of_its_container() {
    let compose = Compose::read();
    let limit = |name: &str| mebibytes(compose.service(name).mem_limit.as_ref().unwrap());
    let collector = read(Path::new("deploy/otel-collector.yaml"));
    let own = collector.lines().find_map(|line| line.trim().strip_prefix("limit_mib: ")).unwrap();
    assert!(own.parse::<u64>().unwrap() * 10 <= limit("otel-collector") * 8, "{own}");
    assert!(compose.service("jaeger").environment["MEMORY_MAX_TRACES"].parse::<u32>().unwrap() > 0);
    // nginx reserves memory for the connections of each worker at once: some 430 bytes each.
    let nginx = read(Path::new("deploy/nginx.conf"));
    let number = |key: &str| {
        let line = nginx.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
        line.trim_end_matches(';').trim().parse::<u64>().unwrap_or_else(|_| panic!("{key}{line}"))
    };
    let reserved = number("worker_processes ") * number("worker_connections ") * 430;
    assert!(reserved >> 20 < limit("proxy") / 4, "{reserved}");
}

#[test]
fn postgres_has_connections_for_two_processes_of_every_role() {
    // 12 of each service's pools in each process.
    for file in COMPOSE_FILES {
        let compose = Compose::of_file(file);
        let command = &compose.service("postgres").command;
        let most = command.iter().find_map(|word| word.strip_prefix("max_connections=")).unwrap();
        assert!(most.parse::<u32>().unwrap() >= 2 * 5 * 12 + 50, "{file}");
        assert_eq!(yaml(file)["services"]["postgres"]["stop_grace_period"], "1m", "{file}");
    }
}

/// The newest migration of each service, in the order of the table in docs/operate.md.
fn migrations() -> Vec<String> {
    let services = ["directory", "message", "conversation", "file", "callback"];
    let newest = services.map(|service| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../services/{service}/migrations/postgres"));
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| name.split_once('_').map(|(number, _)| number.to_owned())).max().unwrap()
    });
    newest.map(|number| number.trim_start_matches('0').to_owned()).to_vec()
}

#[test]
fn the_newest_row_of_the_table_of_versions_has_the_newest_migrations() {
    let page = read(Path::new("docs/operate.md"));
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.starts_with("| version | directory | message | conversation | file | callback |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let newest = rows.first().expect("a row");
    assert!(newest[0].starts_with(env!("CARGO_PKG_VERSION").trim_end_matches(".0")), "{newest:?}");
    assert_eq!(newest[1..6], migrations());
}

/// A program that writes down how it is called, and then does this.
fn stub(folder: &Path, name: &str, does: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >>\"$CALLS\"\n{does}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn containers_are_replaced_role_by_role_and_the_old_ones_end_when_the_new_ones_are_ready() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Each role has one container, the gateway two; new ones appear when more are asked for.
    stub(
        at,
        "docker-compose",
        r#"case "$1 $2" in
  "ps -q") for n in 1 2; do [ "$n$3" = 2directory ] || echo "old-$3-$n"; done; [ ! -e "$CALLS-$3" ] || echo "new-$3-1" ;;
  "up -d") touch "$CALLS-$7" ;;
esac"#,
    );
    stub(at, "docker", r#"[ "$1" != inspect ] || echo healthy"#);
    stub(at, "sleep", "");
    let mut script = Command::new("sh");
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/upgrade.sh"));
    script.env("PATH", format!("{}:{}", at.display(), std::env::var("PATH").unwrap()));
    let done = script.env("CALLS", at.join("calls")).env_remove("COMPOSE").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let calls = fs::read_to_string(at.join("calls")).unwrap();
    let calls: Vec<&str> = calls.lines().filter(|line| !line.contains(" ps ")).collect();
    let directory = [
        "docker-compose build",
        "docker-compose run --rm migrate",
        "docker-compose up -d --no-deps --no-recreate --scale directory=2 directory",
        "docker inspect --format {{.State.Health.Status}} new-directory-1",
        "sleep 10",
        "docker stop -t 15 old-directory-1",
        "docker rm old-directory-1",
        "docker-compose up -d --no-deps --no-recreate --scale file=4 file",
    ];
    assert_eq!(calls[..directory.len()], directory, "{calls:#?}");
    let ups = calls.iter().filter_map(|call| call.strip_prefix("docker-compose up")?.rsplit(' ').next());
    assert_eq!(ups.collect::<Vec<_>>(), ["directory", "file", "message", "conversation", "callback", "gateway"]);
    assert!(calls.contains(&"docker stop -t 15 old-gateway-1 old-gateway-2"), "{calls:#?}");
}
