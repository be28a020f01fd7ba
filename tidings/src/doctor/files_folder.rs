//! The folder of the file service, in which uploads begin also where a bucket keeps them.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use tidings_runtime::{Config, low_space};

use super::disk::{self, Disk};

/// What was found: the state of the folder, and of its disk if that is not the data folder's.
pub struct Found {
    pub state: Result<String, String>,
    pub disk: Option<Disk>,
}

/// Checks the folder if it is configured or there. `checked`: a folder whose disk was checked before.
pub fn check(config: &Config, checked: Option<&Path>) -> Option<Found> {
    let own = config.files.folder.clone();
    let folder = own.clone().unwrap_or_else(|| config.data.join("files"));
    let shown = folder.display();
    let state = match fs::metadata(&folder) {
        Ok(found) if !found.is_dir() => Err(format!("{shown} is not a folder")),
        Ok(_) => low_space(&folder).map_or_else(|| Ok(format!("{shown} has room")), Err),
        Err(_) => {
            own?;
            low_space(&existing(&folder)).map_or_else(
                || Ok(format!("{shown} is not there yet; the first start of the file service makes it")),
                Err,
            )
        }
    };
    let is_other_disk = || checked.is_none_or(|checked| device(checked) != device(&folder));
    let disk = (folder.is_dir() && is_other_disk()).then(|| disk::check(&folder));
    Some(Found { state, disk })
}

/// The nearest folder above that is there.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|above| above.is_dir()).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn device(folder: &Path) -> Option<u64> {
    fs::metadata(folder).ok().map(|found| found.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_checked_where_it_is_configured_or_there() {
        let outside = tempfile::tempdir().expect("a folder");
        let mut config = Config { data: outside.path().join("data"), ..Config::default() };
        assert!(check(&config, None).is_none(), "a process without files has none");
        config.files.folder = Some(outside.path().join("files"));
        let found = check(&config, None).expect("it is configured");
        assert!(found.state.expect("it will be made").contains("is not there yet") && found.disk.is_none());
        fs::create_dir(outside.path().join("files")).expect("a folder");
        let found = check(&config, None).expect("it is there");
        assert!(found.state.expect("there is room").ends_with("has room") && found.disk.is_some());
        assert!(check(&config, Some(outside.path())).expect("it is there").disk.is_none(), "the same disk");
        fs::write(outside.path().join("text"), "").expect("a file");
        config.files.folder = Some(outside.path().join("text"));
        assert!(check(&config, None).expect("it is there").state.expect_err("a file").ends_with("is not a folder"));
    }
}
