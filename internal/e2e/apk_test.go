package e2e_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	apkfile "minqing/mobile-client/apk"
	"minqing/server/offer"
)

// mustAPK builds the package for phones once more, once for all tests of the process.
func mustAPK(t *testing.T) string {
	t.Helper()
	bin, err := programs()
	must(t, err)
	apk, err := builtAPK(filepath.Join(bin, "android", "minqing-field.apk"))
	must(t, err)
	return apk
}

var apkOnce sync.Mutex

func builtAPK(apk string) (string, error) {
	apkOnce.Lock()
	defer apkOnce.Unlock()
	if _, err := os.Stat(apk); err == nil {
		return apk, nil
	}
	build := exec.Command("sh", "../../mobile-client/android/build.sh")
	build.Env = append(os.Environ(), "OUT="+apk, "VERSION_CODE=41", "VERSION_NAME=0.41")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build.sh: %w\n%s", err, out)
	}
	return apk, nil
}

// mustTell runs a tool of the Android SDK, as Debian packages it.
func mustTell(t *testing.T, tool string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v (./task setup installs it)\n%s", tool, err, out)
	}
	return string(out)
}

// mustUnpack takes a file out of a package.
func mustUnpack(t *testing.T, apk, name string) string {
	t.Helper()
	z, err := zip.OpenReader(apk)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	in, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// The package says what it must, asks for nothing more than it needs, is signed in every way that phones since Android 6 check, and
// holds the shell's classes and the program.
func TestAndroidPackage(t *testing.T) {
	apk := mustAPK(t)
	says := mustTell(t, "aapt", "dump", "badging", apk)
	for _, want := range []string{"name='minqing.field' versionCode='41' versionName='0.41'", "sdkVersion:'23'", "targetSdkVersion:'35'",
		"application-label:'民情通'", "application-label-en:'Minqing'", "native-code: 'arm64-v8a'", "launchable-activity: name='minqing.field.MainActivity'"} {
		if !strings.Contains(says, want) {
			t.Errorf("badging does not say %q:\n%s", want, says)
		}
	}
	may := map[string]bool{"INTERNET": true, "ACCESS_NETWORK_STATE": true, "FOREGROUND_SERVICE": true, "FOREGROUND_SERVICE_DATA_SYNC": true,
		"POST_NOTIFICATIONS": true, "REQUEST_INSTALL_PACKAGES": true}
	for line := range strings.Lines(says) {
		name, is := strings.CutPrefix(strings.TrimSpace(line), "uses-permission: name='android.permission.")
		if name = strings.TrimSuffix(name, "'"); is && !may[name] {
			t.Errorf("the package asks for %s", name)
		}
	}
	manifest := mustTell(t, "aapt", "dump", "xmltree", apk, "AndroidManifest.xml")
	for _, want := range []string{"android.intent.action.SEND", `android:scheme(0x01010027)="minqing"`, "android.intent.category.BROWSABLE", "minqing.field.files"} {
		if !strings.Contains(manifest, want) {
			t.Errorf("the manifest lacks %q:\n%s", want, manifest)
		}
	}
	offered, err := offer.Load(filepath.Dir(apk))
	must(t, err)
	signer, err := apkfile.Signer(apk)
	must(t, err)
	if certs := mustTell(t, "apksigner", "verify", "--print-certs", apk); !strings.Contains(certs, signer) || offered.Offer.Signer != signer || offered.Offer.Version != 41 || offered.Offer.Name != "0.41" {
		t.Errorf("the signer is read as %s, the description says %+v, the tool\n%s", signer, offered.Offer, certs)
	}
	if rules := mustTell(t, "aapt", "dump", "xmltree", apk, "res/xml/network.xml"); !strings.Contains(rules, "127.0.0.1") {
		t.Errorf("plain HTTP is not held to this phone:\n%s", rules)
	}
	signed := mustTell(t, "apksigner", "verify", "-v", "--min-sdk-version", "23", apk)
	for _, scheme := range []string{"v1 scheme (JAR signing): true", "v2 scheme (APK Signature Scheme v2): true", "v3 scheme (APK Signature Scheme v3): true"} {
		if !strings.Contains(signed, scheme) {
			t.Errorf("the signature lacks %q:\n%s", scheme, signed)
		}
	}
	classes := mustTell(t, "dexdump", mustUnpack(t, apk, "classes.dex"))
	for _, class := range []string{"App", "MainActivity", "Program", "SyncService", "Files", "Vault"} {
		if !strings.Contains(classes, "'Lminqing/field/"+class+";'") {
			t.Errorf("the package lacks the class %s", class)
		}
	}
	if strings.Contains(classes, "Class descriptor  : 'Landroid/") || strings.Contains(classes, "Class descriptor  : 'Lorg/json/") {
		t.Error("the package carries classes that the phone brings")
	}
}

// The shell stays thin: what can be written in Go is tested here, Java is not.
func TestAndroidShellIsThin(t *testing.T) {
	files, err := filepath.Glob("../../mobile-client/android/src/minqing/field/*.java")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Java: %v", err)
	}
	lines := 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(raw), "\n")
	}
	if lines >= 600 {
		t.Errorf("the shell has %d lines of Java, must stay under 600", lines)
	}
}
