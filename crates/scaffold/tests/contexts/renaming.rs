use std::{path::Path, process::Command};

use crate::copy::{Copy, run, target};

#[test]
fn a_renamed_project_uses_the_new_name_everywhere() {
    let copy = Copy::to_compile();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
        run(Command::new("git").args(identity).args(arguments).current_dir(&copy.root));
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "Start"]);

    // In two parts, because a name that occurs already is refused. The command fails if the old name is left anywhere.
    let name = ["ac", "me"].concat();
    run(Command::new("deploy/rename").arg(&name).current_dir(&copy.root).env("CARGO_TARGET_DIR", target()));

    let files = copy.files();
    let text = |path: &str| {
        let file = files.get(Path::new(path)).unwrap_or_else(|| panic!("{path} is missing"));
        String::from_utf8(file.clone()).unwrap()
    };
    assert!(text(&format!("services/{name}/cli/Cargo.toml")).contains(&format!("name = \"{name}\"")));
    assert!(text("schemas/orders/events/order_placed/v1.avsc").contains(&format!("\"{name}.orders\"")));
    assert!(text(".env").contains(&format!("{}_STACK_", name.to_uppercase())));
    assert!(text("CHANGELOG.md").contains("foldline"));
}
