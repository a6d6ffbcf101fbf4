package main

import (
	"encoding/json"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// The names of the prompt fields.
const (
	fieldUsername = "username"
	fieldPassword = "password"
	fieldNew      = "new_password"
	fieldAgain    = "new_password_again"
)

// memory travels from a prompt to its answers, sealed by the host. A password is
// never in it.
type memory struct {
	Step      string `json:"step"`
	Attribute string `json:"attribute,omitempty"` // of stepChange: whose password was proved right
	Value     string `json:"value,omitempty"`
	DN        string `json:"dn,omitempty"`
	Tries     int    `json:"tries,omitempty"`
}

const (
	stepLogin  = "login"
	stepChange = "change"
)

// maxChangeTries bounds the wrong old passwords of one conversation.
const maxChangeTries = 3

func loginPrompt(reason sdk.Reason) sdk.Prompt {
	return sdk.Prompt{
		Reason: reason,
		Memory: []byte(`{"step":"` + stepLogin + `"}`),
		Fields: []sdk.PromptField{
			{Name: fieldUsername, Kind: sdk.FieldUsername},
			{Name: fieldPassword, Kind: sdk.FieldPassword},
		},
	}
}

// changePrompt asks for a new password, and for the old one again: it is not kept, and
// only the end user may use it up.
func changePrompt(reason sdk.Reason, mem memory) (sdk.Step, error) {
	mem.Step = stepChange
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the login: %w", err)
	}
	if len(data) > sdk.MaxMemory {
		return nil, sdk.Denied(sdk.ReasonPasswordExpired, "the DN is too long to change the password in the login")
	}
	return sdk.Prompt{
		Reason: reason,
		Memory: data,
		Fields: []sdk.PromptField{
			{Name: fieldPassword, Kind: sdk.FieldPassword, Label: "Current password"},
			{Name: fieldNew, Kind: sdk.FieldNewPassword},
			{Name: fieldAgain, Kind: sdk.FieldNewPassword, Label: "New password, again"},
		},
	}, nil
}
