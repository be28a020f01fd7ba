//! The file system of the image, made without Docker: a minimal Debian of the suite that the Dockerfile's final stage
//! names, with that stage's instructions applied. It stays in the target folder until the stage changes.
//!
//! The program itself is not in it: the tests mount the one that they build over an empty placeholder file.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    dockerfile::{Instruction, final_stage},
    postgres::{apt_get, is_root, output},
};

/// How apt reaches its servers from this machine; in the image while it is made.
const APT_SETTINGS: &str = "etc/apt/apt.conf.d/00-this-machine";
/// CA certificates of this machine, for mirrors behind https.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Returns the folder with `root`, the file system, and the stage's settings beside it: `environment`, `user`,
/// `entrypoint`, `healthcheck` and `program`.
pub fn build(workspace: &Path, target: &Path) -> Result<PathBuf, String> {
    let text = fs::read_to_string(workspace.join("Dockerfile")).map_err(|error| format!("Dockerfile: {error}"))?;
    let stage = final_stage(&text);
    let folder = target.join("image");
    let (root, stamp) = (folder.join("root"), folder.join("built"));
    let wanted = format!("{stage:?}");
    if root.is_dir() && fs::read_to_string(&stamp).is_ok_and(|built| built == wanted) {
        return Ok(folder);
    }
    if !is_root()? {
        return Err(
            "the tests of the image make its file system with debootstrap and chroot, which takes root".to_owned()
        );
    }
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(fault)?;
    let _ = fs::remove_file(&stamp);
    let base = base(&folder, &stage)?;
    run(Command::new("rm").arg("-rf").arg(&root))?;
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(&base).arg(&root))?;
    let mut made = Made { root: &root, workspace, lines: Vec::new() };
    made.prepare_apt()?;
    for instruction in &stage[1..] {
        eprintln!("xtask: {} {}", instruction.name, instruction.rest);
        made.carry_out(instruction)?;
    }
    let _ = fs::remove_file(root.join(APT_SETTINGS));
    for (name, line) in &made.lines {
        fs::write(folder.join(name), line).map_err(fault)?;
    }
    fs::write(&stamp, wanted).map_err(fault)?;
    Ok(folder)
}

/// The minimal Debian that the stage starts from.
fn base(folder: &Path, stage: &[Instruction]) -> Result<PathBuf, String> {
    let image = stage.first().map(|from| from.rest.as_str()).unwrap_or_default();
    let suite = suite_of(image)
        .ok_or_else(|| format!("the final stage begins with {image}, which is not debian:<suite>-<date>-slim"))?;
    let base = folder.join(format!("base-{suite}"));
    if base.is_dir() {
        return Ok(base);
    }
    if !Path::new("/usr/sbin/debootstrap").exists() {
        eprintln!("xtask: debootstrap is missing, installing Debian's package");
        apt_get(&["update"])?;
        apt_get(&["install", "--yes", "--no-install-recommends", "debootstrap"])?;
    }
    eprintln!("xtask: making a minimal Debian {suite} for the image, once");
    let fresh = folder.join("base-new");
    run(Command::new("rm").arg("-rf").arg(&fresh))?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", suite]).arg(&fresh).arg(mirror(suite)?);
    for (setting, variable) in [("Acquire::http::Proxy", "http_proxy"), ("Acquire::https::Proxy", "https_proxy")] {
        let proxy = output(Command::new("apt-config").args(["shell", "proxy", setting]))?;
        if let Some(proxy) = proxy.trim().strip_prefix("proxy='").and_then(|proxy| proxy.strip_suffix('\'')) {
            debootstrap.env(variable, proxy);
        }
    }
    run(&mut debootstrap)?;
    fs::rename(&fresh, &base).map_err(|error| format!("{}: {error}", base.display()))?;
    Ok(base)
}

/// `bookworm` of `debian:bookworm-20250811-slim`. The mirror has the suite as it is today: the date is Docker's alone.
fn suite_of(image: &str) -> Option<&str> {
    image.strip_prefix("debian:")?.split('-').next().filter(|suite| !suite.is_empty())
}

/// The mirror from which this machine's apt gets that suite, or else any Debian suite: a mirror has them all.
fn mirror(suite: &str) -> Result<String, String> {
    const FORMAT: &str = "$(CREATED_BY) $(ORIGIN) $(COMPONENT) $(CODENAME) $(SITE)";
    let listed = || output(Command::new("apt-get").args(["indextargets", "--format", FORMAT]));
    let mut targets = listed()?;
    if targets.trim().is_empty() {
        apt_get(&["update"])?;
        targets = listed()?;
    }
    let lines: Vec<Vec<&str>> = targets.lines().map(|line| line.split(' ').collect()).collect();
    let of_debian = lines.iter().filter_map(|line| match line.as_slice() {
        ["Packages", "Debian", "main", codename, site] if !codename.contains('-') => Some((*codename, *site)),
        _ => None,
    });
    let mut found: Vec<_> = of_debian.collect();
    found.sort_by_key(|(codename, _)| *codename != suite);
    let first = found.first().map(|(_, site)| (*site).to_owned());
    first.ok_or_else(|| "apt of this machine knows no mirror of Debian: add one to /etc/apt/sources.list".to_owned())
}

/// The file system while it is made.
struct Made<'a> {
    root: &'a Path,
    workspace: &'a Path,
    /// Names and texts of the files beside it.
    lines: Vec<(&'static str, String)>,
}

impl Made<'_> {
    fn prepare_apt(&self) -> Result<(), String> {
        let mut settings = String::new();
        for tree in ["Acquire::http", "Acquire::https"] {
            settings += &output(Command::new("apt-config").args(["dump", tree]))?;
        }
        let bundle = self.root.join("tmp/ca-certificates.crt");
        if Path::new(CERTIFICATES).exists() {
            fs::copy(CERTIFICATES, &bundle).map_err(|error| format!("{}: {error}", bundle.display()))?;
            settings += "Acquire::https::CaInfo \"/tmp/ca-certificates.crt\";\n";
        }
        let path = self.root.join(APT_SETTINGS);
        fs::write(&path, settings).map_err(|error| format!("{}: {error}", path.display()))?;
        // As in Debian's images: downloads for one package are not kept.
        let names = self.root.join("etc/resolv.conf");
        fs::copy("/etc/resolv.conf", &names).map_err(|error| format!("{}: {error}", names.display()))?;
        Ok(())
    }

    fn carry_out(&mut self, Instruction { name, rest }: &Instruction) -> Result<(), String> {
        match name.as_str() {
            "RUN" => self.run_inside(rest),
            "COPY" => self.copy(rest),
            "ENV" => {
                let own = format!("{}\n", rest.replace(' ', "\n"));
                self.add("environment", &own);
                Ok(())
            }
            "USER" => {
                self.add("user", rest);
                Ok(())
            }
            "ENTRYPOINT" => {
                self.add("entrypoint", rest);
                Ok(())
            }
            "HEALTHCHECK" => {
                let (_, command) = rest.split_once("CMD ").ok_or("HEALTHCHECK has no CMD")?;
                self.add("healthcheck", command);
                Ok(())
            }
            "EXPOSE" => {
                self.add("ports", rest);
                Ok(())
            }
            _ => Err(format!("the final stage of the Dockerfile says {name}, which xtask/src/image.rs does not know")),
        }
    }

    fn add(&mut self, name: &'static str, text: &str) {
        match self.lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, earlier)) => earlier.push_str(text),
            None => self.lines.push((name, text.to_owned())),
        }
    }

    fn run_inside(&self, command: &str) -> Result<(), String> {
        let mut chroot = Command::new("chroot");
        chroot.arg(self.root).args(["/bin/sh", "-c", command]).env_clear();
        chroot.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        chroot.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
        run(&mut chroot)
    }

    /// The program comes from an earlier stage, and is replaced by an empty file; anything else comes from the
    /// workspace.
    fn copy(&mut self, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        match words.as_slice() {
            [from, source, place] if from.starts_with("--from=") && source.ends_with("/tidings") => {
                let inside = self.root.join(place.trim_start_matches('/'));
                fs::write(&inside, "").map_err(|error| format!("{}: {error}", inside.display()))?;
                self.add("program", place);
                Ok(())
            }
            [source, place] if !source.starts_with("--") => {
                let inside = self.root.join(place.trim_start_matches('/'));
                run(Command::new("cp").arg("-a").arg(self.workspace.join(source)).arg(inside))
            }
            _ => Err(format!("the final stage says COPY {rest}, which xtask/src/image.rs does not know")),
        }
    }
}

/// Runs a command until it exits and shows its output when it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    let mut last: Vec<&str> = said.lines().rev().take(20).collect();
    last.reverse();
    Err(format!("{name} failed with {}:\n{}", done.status, last.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::suite_of;

    #[test]
    fn the_suite_of_an_image_is_what_its_tag_begins_with() {
        let images =
            ["debian:bookworm-20250811-slim", "debian:bookworm-slim", "debian:bookworm", "debian:", "ubuntu:24.04"];
        assert_eq!(images.map(suite_of), [Some("bookworm"), Some("bookworm"), Some("bookworm"), None, None]);
    }
}
