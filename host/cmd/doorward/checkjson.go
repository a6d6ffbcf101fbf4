package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/sdk"
)

// printCheckedJSON prints the findings for programs. If no check could be made, that is a
// finding, too, so that programs need not read anything else.
func printCheckedJSON(out io.Writer, checked []provider.Checked, failed error) error {
	if failed != nil {
		checked = append(checked, provider.Checked{Provider: ofTheConfiguration, Findings: []sdk.Finding{
			{Severity: sdk.SeverityError, Subject: "check", Text: failed.Error()},
		}})
	}
	for i := range checked {
		if checked[i].Findings == nil {
			checked[i].Findings = []sdk.Finding{}
		}
	}
	if checked == nil {
		checked = []provider.Checked{}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(checked); err != nil {
		return errors.Join(failed, err)
	}
	if failed != nil {
		return failed
	}
	return errorOf(checked)
}
