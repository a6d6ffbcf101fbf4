// Package wall is the one way by which XML from outside gets in. It reads a
// document in one strict pass over its bytes into a small tree, and refuses
// whatever two parsers might read differently.
//
// SAML has been broken again and again because the parser that checked the
// signature and the parser that read the name saw two documents in the same bytes
// (CVE-2020-29509, CVE-2024-45409, CVE-2025-25291). Here is one parser, of the
// small part of XML that identity providers write: UTF-8 and nothing else, no
// document type, no processing instruction, no comment, no entity but the five of
// XML itself, no name that is not plain ASCII, no prefix that is undeclared, no
// attribute twice. Size, depth and counts are bounded
// before anything is kept, and the time is linear in the size.
//
// [Parse] makes a tree, [Canonical] writes a part of it in the form that is
// signed, by exclusive canonicalization, and [Inclusive] by the older one.
package strictxml
