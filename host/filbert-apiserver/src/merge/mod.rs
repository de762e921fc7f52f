//! How writes of several managers become one object: server-side apply, field ownership, strategic merge patch.
