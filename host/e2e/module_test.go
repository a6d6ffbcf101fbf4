package e2e

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sdkModule and sdkVersion are what a tag sdk/v0.1.0 publishes.
const (
	sdkModule  = project + "sdk"
	sdkVersion = "v0.1.0"
)

// outside builds modules that know nothing of this repository: it has a module proxy
// with the SDK, as its tag would publish it, and with the modules already downloaded,
// and an empty module cache.
type outside struct{ env []string }

func newOutside(t *testing.T) outside {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	downloaded := "file://" + filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	cache := t.TempDir()
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", cache).Run() }) // which a module cache is not
	return outside{append(os.Environ(),
		"GOWORK=off", "GOPROXY=file://"+publishSDK(t)+","+downloaded+",off", "GONOPROXY=none", "GOPRIVATE=", "GOSUMDB=off", "GOMODCACHE="+cache,
		"GOFLAGS=-mod=mod -buildvcs=false -trimpath", "CGO_ENABLED=0", // as in make build, so that its compiled packages are used again
	)}
}

// publishSDK makes a proxy (see "go help goproxy") from the files of the SDK that git
// tracks, as a tag would contain them.
func publishSDK(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.FromSlash(sdkModule), "@v")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(repository(t), "sdk", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, sdkVersion, time.Now().UTC().Format(time.RFC3339))
	archive := filepath.Join(dir, sdkVersion+".zip")
	for name, content := range map[string][]byte{"list": []byte(sdkVersion + "\n"), sdkVersion + ".info": []byte(info), sdkVersion + ".mod": mod} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	if err := errors.Join(err, zipSDK(t, archive)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(dir, filepath.Join("/", filepath.FromSlash(sdkModule), "@v"))
}

func zipSDK(t *testing.T, path string) (err error) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = filepath.Join(repository(t), "sdk")
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing the files of the SDK: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	defer func() { err = errors.Join(err, archive.Close(), file.Close()) }()
	for _, name := range strings.Split(strings.TrimRight(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(list.Dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not yet committed
		}
		w, createErr := archive.Create(sdkModule + "@" + sdkVersion + "/" + name)
		if err := errors.Join(err, createErr); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return nil
}

func (o outside) run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, o.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// A third party's module needs only the published SDK: no workspace, no replace
// directive.
func TestModuleOfAThirdParty(t *testing.T) {
	o, dir := newOutside(t), t.TempDir()
	source, err := os.ReadFile(filepath.Join(repository(t), "sdk", "internal", "magic", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	o.run(t, dir, "go", "mod", "init", "third.example/magic")
	o.run(t, dir, "go", "mod", "edit", "-require="+sdkModule+"@"+sdkVersion)
	o.run(t, dir, "go", "build", "-o", "doorward-plugin-magic", ".")
	added(t, filepath.Join(repository(t), "bin", "doorward"), filepath.Join(dir, "doorward-plugin-magic"))
}

// The modules of this repository also build with the published SDK, without the
// directive that replaces it with the neighbouring folder.
func TestOurModulesAgainstThePublishedSDK(t *testing.T) {
	o := newOutside(t)
	for _, module := range []string{"plugins/openid", "plugins/ldap", "plugins/saml", "host"} {
		t.Run(module, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "m")
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(repository(t), module))); err != nil {
				t.Fatal(err)
			}
			if module == "host" { // whose tests are a module of their own
				if err := os.RemoveAll(filepath.Join(dir, "e2e")); err != nil {
					t.Fatal(err)
				}
			}
			o.run(t, dir, "go", "mod", "edit", "-dropreplace="+sdkModule, "-require="+sdkModule+"@"+sdkVersion)
			o.run(t, dir, "go", "build", "-o", os.DevNull, map[bool]string{true: "./cmd/doorward", false: "."}[module == "host"])
		})
	}
}
