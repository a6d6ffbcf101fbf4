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

// memory is the state between a prompt and its answers, sealed by the host. It never contains
// a password.
type memory struct {
	Step      string `json:"step"`
	Attribute string `json:"attribute,omitempty"` // for stepChange: the user whose password was right
	Value     string `json:"value,omitempty"`
	DN        string `json:"dn,omitempty"`
	Tries     int    `json:"tries,omitempty"`
}

const (
	stepLogin  = "login"
	stepChange = "change"
)

// maxChangeTries limits the wrong old passwords in one login.
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

// changePrompt asks for a new password, and again for the old one, which Doorward does not
// keep.
func changePrompt(reason sdk.Reason, mem memory) (sdk.Step, error) {
	mem.Step = stepChange
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the state of the login: %w", err)
	}
	if len(data) > sdk.MaxMemory {
		return nil, sdk.Denied(sdk.ReasonPasswordExpired, "the DN is too long to change the password during sign-in")
	}
	return sdk.Prompt{
		Reason: reason,
		Memory: data,
		Fields: []sdk.PromptField{
			{Name: fieldPassword, Kind: sdk.FieldPassword, Label: "Current password"},
			{Name: fieldNew, Kind: sdk.FieldNewPassword},
			{Name: fieldAgain, Kind: sdk.FieldNewPassword, Label: "Repeat the new password"},
		},
	}, nil
}
