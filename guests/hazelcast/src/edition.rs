//! Open source or enterprise, and the images that follow from it.

use hazelcast_api::hazelcast::Spec;

/// Open source members.
pub const OPEN_SOURCE_REPOSITORY: &str = "docker.io/hazelcast/hazelcast";
/// Their newest version: patch releases are made for enterprise members only.
pub const OPEN_SOURCE_VERSION: &str = "5.7.0";
/// Enterprise members.
pub const ENTERPRISE_REPOSITORY: &str = "docker.io/hazelcast/hazelcast-enterprise";
/// Their newest version.
pub const ENTERPRISE_VERSION: &str = "5.7.1";

/// Open source or enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Needs no licence.
    OpenSource,
    /// Needs a licence.
    Enterprise,
}

impl Edition {
    /// The repository that is filled in.
    pub const fn repository(self) -> &'static str {
        match self {
            Self::OpenSource => OPEN_SOURCE_REPOSITORY,
            Self::Enterprise => ENTERPRISE_REPOSITORY,
        }
    }

    /// The version that is filled in.
    pub const fn version(self) -> &'static str {
        match self {
            Self::OpenSource => OPEN_SOURCE_VERSION,
            Self::Enterprise => ENTERPRISE_VERSION,
        }
    }

    /// Of what a specification says: a licence makes members enterprise ones, and so does a repository that says so.
    pub fn of(licence: Option<&str>, repository: Option<&str>) -> Self {
        let says_enterprise = repository.is_some_and(|repository| repository.contains("enterprise"));
        if licence.is_some() || says_enterprise { Self::Enterprise } else { Self::OpenSource }
    }
}

/// The Secret with the licence: under its name, else under its earlier name.
pub fn licence<'a>(name: Option<&'a str>, earlier: Option<&'a str>) -> Option<&'a str> {
    name.filter(|name| !name.is_empty()).or(earlier.filter(|name| !name.is_empty()))
}

/// What a specification says of edition, licence and image, with nothing left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members<'a> {
    /// Open source or enterprise.
    pub edition: Edition,
    /// The Secret with the licence.
    pub licence: Option<&'a str>,
    /// Where the image comes from.
    pub repository: &'a str,
    /// Its tag.
    pub version: &'a str,
}

impl<'a> Members<'a> {
    /// As a specification says. Usually defaulting has filled everything in; the same holds where it has not.
    pub fn of(spec: &'a Spec) -> Self {
        let licence = licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
        let edition = Edition::of(licence, spec.repository.as_deref());
        let given = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        Self {
            edition,
            licence,
            repository: given(&spec.repository).unwrap_or(edition.repository()),
            version: given(&spec.version).unwrap_or(edition.version()),
        }
    }

    /// The image: a digest is set off by `@`, a tag by `:`.
    pub fn image(&self) -> String {
        image(self.repository, self.version)
    }
}

/// An image of a repository: a digest is set off by `@`, a tag by `:`.
pub fn image(repository: &str, version: &str) -> String {
    let mark = if version.starts_with("sha256:") { '@' } else { ':' };
    format!("{repository}{mark}{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_open_source() {
        assert_eq!(Members::of(&Spec::default()).image(), "docker.io/hazelcast/hazelcast:5.7.0");
    }

    #[test]
    fn a_licence_makes_it_enterprise_under_either_name() {
        let new = Spec { license_key_secret_name: Some("key".into()), ..Spec::default() };
        let old = Spec { license_key_secret: Some("key".into()), ..Spec::default() };
        for spec in [new, old] {
            assert_eq!(Members::of(&spec).image(), "docker.io/hazelcast/hazelcast-enterprise:5.7.1");
            assert_eq!(Members::of(&spec).licence, Some("key"));
        }
    }

    #[test]
    fn what_is_said_stands() {
        let spec =
            Spec { repository: Some("registry.example/mine".into()), version: Some("5.6.0".into()), ..Spec::default() };
        assert_eq!(Members::of(&spec).image(), "registry.example/mine:5.6.0");
        assert_eq!(Members::of(&spec).edition, Edition::OpenSource);
    }

    #[test]
    fn a_digest_is_set_off_by_an_at_sign() {
        assert_eq!(image("repo", "sha256:00"), "repo@sha256:00");
    }
}
