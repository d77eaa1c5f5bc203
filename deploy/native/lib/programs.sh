# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# The programs that the stack needs, and the servers themselves, which are fetched once from Maven Central.

# Stacks with the same pom share a folder, and a changed pom gets a new one, so the files of a running server are never
# replaced.
servers=$FOLDLINE_STACK_CACHE/servers-$(cksum <"$repository/deploy/native/pom.xml" | cut -d' ' -f1)

# need PROGRAM PACKAGE: installs the Debian package if possible, otherwise fails with the name of the missing package.
need() {
  command -v "$1" >/dev/null && return
  if ((EUID == 0)) && command -v apt-get >/dev/null; then
    say "installing $2 ..."
    apt-get update -qq && apt-get install -qq -y --no-install-recommends "$2" >/dev/null && return
  fi
  die "$1 is missing: install the package $2 (or what your system calls it)"
}

need_java() {
  local major
  need java default-jre-headless
  major=$(java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p')
  [[ $major -ge 17 ]] || die "Java ${major:-?} is too old: install Java 17 or later (package openjdk-17-jre-headless)"
}

# Fetches into a temporary folder and renames it at the end, so that an existing folder is always complete, even if two
# stacks fetch concurrently or one is interrupted.
fetch_servers() (
  [[ ! -d $servers ]] || exit 0
  need mvn maven
  need xz xz-utils
  fetched=$(mktemp -d "$FOLDLINE_STACK_CACHE/fetching.XXXXXX")
  trap 'rm -rf "$fetched"' EXIT
  say "fetching Kafka, the schema registry and Postgres (180 MB, once) ..."
  mvn --quiet --batch-mode --file "$repository/deploy/native/pom.xml" "-Dservers=$fetched" package \
    >"$(log_file fetch)" 2>&1 || die_with_log fetch "Maven could not fetch the servers"
  tar -xJf "$fetched"/postgres/*.txz -C "$fetched/postgres"
  rm -r "$fetched"/postgres/*.txz "$fetched/dependency-maven-plugin-markers"
  chmod -R a+rX "$fetched"
  [[ -d $servers ]] || mv "$fetched" "$servers"
)
