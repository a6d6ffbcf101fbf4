// Package strictxml parses XML from untrusted sources. It reads a document in one strict pass
// over its bytes into a small tree, and refuses everything that two parsers could read
// differently.
//
// SAML implementations have been broken repeatedly because the parser that checked the
// signature and the parser that read the name saw two documents in the same bytes
// (CVE-2020-29509, CVE-2024-45409, CVE-2025-25291). This package is the only parser, for the
// small part of XML that identity providers write: UTF-8 only, no document type, no
// processing instruction, no comment, only the five entities of XML itself, only plain ASCII
// names, no undeclared prefix, no duplicate attribute. Size, depth and counts are bounded
// before anything is stored, and the time is linear in the size.
//
// [Parse] returns a tree. [Canonical] writes a part of it in the form that is signed, by
// exclusive canonicalization, and [Inclusive] by Canonical XML 1.0.
package strictxml
