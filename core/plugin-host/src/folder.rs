//! An admin's folder of plugins: every `*.wasm` in it, the broken ones reported by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ironcore_types::PluginName;

use crate::error::PluginError;
use crate::grants::Grants;
use crate::host::PluginHost;
use crate::manifest::Manifest;
use crate::plugin::Plugin;

/// What came of loading a folder.
#[derive(Debug, Default)]
pub struct FolderReport {
    /// Plugins that can be called, by file, in the order of file names.
    pub plugins: Vec<(PathBuf, Arc<Plugin>)>,
    /// Files that could not be loaded, and why.
    pub failures: Vec<(PathBuf, PluginError)>,
}

impl PluginHost {
    /// Loads every `*.wasm` of a folder; links and other files are left alone, as is a folder that is not there.
    ///
    /// `granted` says what the operator grants to a plugin. Of two files with one plugin name the first counts. Blocks.
    pub fn load_folder(&self, folder: &Path, granted: &dyn Fn(&Manifest) -> Grants) -> FolderReport {
        let mut report = FolderReport::default();
        let files = match wasm_files(folder) {
            Ok(files) => files,
            Err(source) => {
                report.failures.push((
                    folder.to_owned(),
                    PluginError::Io {
                        path: folder.to_owned(),
                        source,
                    },
                ));
                return report;
            }
        };
        let mut names: BTreeMap<PluginName, PathBuf> = BTreeMap::new();
        for path in files {
            match self.load_file(&path, granted) {
                Ok(plugin) => match names.get(plugin.name()) {
                    Some(first) => report.failures.push((
                        path,
                        PluginError::Manifest(format!(
                            "{} is the plugin {} already",
                            first.display(),
                            plugin.name()
                        )),
                    )),
                    None => {
                        names.insert(plugin.name().clone(), path.clone());
                        report.plugins.push((path, plugin));
                    }
                },
                Err(error) => report.failures.push((path, error)),
            }
        }
        report
    }

    fn load_file(
        &self,
        path: &Path,
        granted: &dyn Fn(&Manifest) -> Grants,
    ) -> Result<Arc<Plugin>, PluginError> {
        let wasm = fs::read(path).map_err(|source| PluginError::Io {
            path: path.to_owned(),
            source,
        })?;
        // The parser's own complaint is a dump of the file's bytes.
        if !wasm.starts_with(b"\0asm") {
            return Err(PluginError::Manifest("not a WebAssembly component".to_owned()));
        }
        let manifest = Manifest::read(&wasm)?;
        self.load(&wasm, &granted(&manifest))
    }
}

fn wasm_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_file() && path.extension().is_some_and(|ext| ext == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
