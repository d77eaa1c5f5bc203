//! The layers of the workspace: the domain does no I/O, the platform does not depend on services, and contexts do not
//! depend on each other's domain.

use std::{path::Path, process::Command};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use test_kit::repository;

/// What a domain may depend on. None of these does I/O; `utoipa` only provides a derive that describes types.
const PURE: [&str; 7] = ["aggregate", "aggregate-derive", "garde", "serde", "thiserror", "utoipa", "uuid"];

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new().manifest_path(repository().join("Cargo.toml")).no_deps().exec();
    metadata.expect("cargo describes the workspace").packages
}

/// The folder of a package, relative to the root of the repository: `services/orders/domain`.
fn folder(path: &Path) -> String {
    let folder = path.strip_prefix(repository()).expect("the package is in the repository");
    folder.to_str().expect("names are plain").to_owned()
}

fn folder_of(package: &Package) -> String {
    folder(package.manifest_path.parent().expect("a manifest is in a folder").as_std_path())
}

/// The folders of the workspace packages that this one depends on.
fn workspace_dependencies(package: &Package) -> Vec<String> {
    package
        .dependencies
        .iter()
        .filter_map(|dependency| dependency.path.as_ref())
        .map(|path| folder(path.as_std_path()))
        .collect()
}

/// The context of a folder in `services/`: `orders`.
fn context(folder: &str) -> Option<&str> {
    folder.strip_prefix("services/")?.split('/').next()
}

#[test]
fn a_domain_depends_only_on_pure_crates() {
    let rules: Vec<_> = workspace()
        .into_iter()
        .filter(|package| folder_of(package).ends_with("/domain") || package.name.as_str() == "aggregate")
        .collect();
    assert!(!rules.is_empty(), "there are rules to check");
    for package in rules {
        let mut dependencies =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        let impure = dependencies.find(|dependency| !PURE.contains(&dependency.name.as_str()));
        assert!(impure.is_none(), "{} imports {}", package.name, impure.unwrap().name);
    }
}

#[test]
fn the_platform_depends_on_no_service() {
    for package in workspace().iter().filter(|package| folder_of(package).starts_with("crates/")) {
        for dependency in workspace_dependencies(package) {
            assert!(dependency.starts_with("crates/"), "{} imports {dependency}", package.name);
        }
    }
}

#[test]
fn no_service_depends_on_the_domain_of_another_context() {
    for package in workspace() {
        let folder = folder_of(&package);
        for domain in
            workspace_dependencies(&package).iter().filter(|dependency| dependency.ends_with("/domain"))
        {
            assert_eq!(context(&folder), context(domain), "{} imports {domain}", package.name);
        }
    }
}

/// Every crate that a package links when it is built alone.
fn dependency_tree(package: &str) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", package])
        .current_dir(repository())
        .output()
        .expect("cargo can be run");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).expect("names of crates are text")
}

#[test]
fn query_services_link_no_kafka_client() {
    let packages = workspace();
    let is_query = |folder: String| folder == "crates/query-service" || folder.ends_with("/query-api");
    let queries: Vec<_> = packages.iter().filter(|package| is_query(folder_of(package))).collect();
    assert!(!queries.is_empty(), "there is a query service to check");
    for package in queries {
        let kafka =
            dependency_tree(&package.name).lines().find(|line| line.contains("rdkafka")).map(str::to_owned);
        assert_eq!(kafka, None, "{} links a Kafka client", package.name);
    }
}

#[test]
fn every_package_takes_versions_and_lints_from_the_workspace() {
    for package in workspace() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not use the workspace's lints",
            package.name
        );
        let sections = manifest.split("\n[").filter(|section| section.contains("dependencies]"));
        for line in sections.flat_map(str::lines).skip(1).filter(|line| line.contains('=')) {
            // A context's domain is next to its services.
            let is_shared =
                line.contains("workspace = true") || line.ends_with(r#"-domain = { path = "../domain" }"#);
            assert!(is_shared, "{} declares {line:?} itself", package.name);
        }
    }
}
