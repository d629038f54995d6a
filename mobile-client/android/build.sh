#!/bin/sh
# Builds the APK of the field app from Go, Debian's packages and nothing else. Run it through ./task android.
#
#   VERSION_CODE, VERSION_NAME   of the package (1, dev)
#   KEYSTORE, KEYSTORE_PASS      the release key; without them a debug key is made, once, in the folder of the build
#   OUT                          the APK to write (bin/android/minqing-field.apk); beside it a .json that says what it is, for minqing serve --app
#
# Steps: resources (aapt), Java against stubs.txt (javac, dx), the Go program as a library that may be executed, alignment, signature.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
out=${OUT:-$root/bin/android/minqing-field.apk}
case $out in /*) ;; *) out=$(pwd)/$out ;; esac
work=$(dirname "$out")
code=${VERSION_CODE:-1}
name=${VERSION_NAME:-dev}
framework=/usr/share/android-framework-res/framework-res.apk
min=23

missing=''
need() { sh -c "$3" >/dev/null 2>&1 || missing="$missing
  $1: $2"; }
need default-jdk-headless 'javac and keytool' 'command -v javac && command -v keytool'
need aapt 'resources' 'command -v aapt'
need android-framework-res 'the resources of the platform' "test -e $framework"
need zipalign 'alignment' 'command -v zipalign'
need apksigner 'the signature' 'command -v apksigner'
need zip 'the archive' 'command -v zip'
dx=$(sh "$here/dx.sh") || missing="$missing
  dalvik-exchange: the translation of Java for Android; what stands above says why it could not be had"
if [ -n "$missing" ]; then
	echo "android: these Debian packages are missing (./task setup installs them as root):$missing" >&2
	exit 1
fi

rm -rf "$work/build"
mkdir -p "$work/build/stubs" "$work/build/gen" "$work/build/stubclasses" "$work/build/classes" "$work/build/apk/lib/arm64-v8a"
cd "$work/build"

awk -v dir=stubs '/^-- / { split($2, p, "."); path = $2; gsub(/\./, "/", path); file = dir "/" path ".java"; pkg = $2; sub(/\.[^.]*$/, "", pkg)
		d = file; sub(/\/[^\/]*$/, "", d); system("mkdir -p " d); print "package " pkg ";" > file; next }
	file { print > file }' "$here/stubs.txt"

aapt package -f -m -J gen -M "$here/AndroidManifest.xml" -S "$here/res" -I "$framework"
find stubs -name '*.java' >stubs.list
find "$here/src" gen -name '*.java' >src.list
javac -nowarn -Xlint:-options --release 8 -encoding UTF-8 -d stubclasses @stubs.list
javac -Xlint:-options -Werror --release 8 -encoding UTF-8 -cp stubclasses -d classes @src.list
"$dx" --dex --min-sdk-version=$min --output=apk/classes.dex classes

( cd "$root" && CGO_ENABLED=0 GOOS=android GOARCH=arm64 go build -trimpath -ldflags "-s -w -X main.version=$name" \
	-o "$work/build/apk/lib/arm64-v8a/libfield.so" ./mobile-client/cmd/minqing-field )

aapt package -f -M "$here/AndroidManifest.xml" -S "$here/res" -I "$framework" --version-code "$code" --version-name "$name" -F unaligned.apk
( cd apk && zip -q -X -r ../unaligned.apk classes.dex lib )
zipalign -f -p 4 unaligned.apk aligned.apk

if [ -z "${KEYSTORE:-}" ]; then
	KEYSTORE=$work/debug.keystore
	KEYSTORE_PASS=android
	[ -e "$KEYSTORE" ] || keytool -genkeypair -keystore "$KEYSTORE" -storepass "$KEYSTORE_PASS" -alias minqing -keyalg RSA -keysize 3072 \
		-validity 10000 -dname 'CN=Minqing debug' >/dev/null 2>&1
	echo 'android: signed with a debug key made here; give KEYSTORE and KEYSTORE_PASS for a release'
fi
export KEYSTORE_PASS
apksigner sign --ks "$KEYSTORE" --ks-pass env:KEYSTORE_PASS --min-sdk-version $min --out "$out" aligned.apk
apksigner verify --min-sdk-version $min "$out"
signer=$(apksigner verify --print-certs "$out" | sed -n 's/^Signer #1 certificate SHA-256 digest: //p')
printf '{"version":%s,"name":"%s","bytes":%s,"sha256":"%s","signer":"%s"}\n' "$code" "$name" "$(wc -c <"$out" | tr -d ' ')" \
	"$(sha256sum "$out" | cut -d' ' -f1)" "$signer" >"${out%.apk}.json"
rm -rf "$work/build"
echo "android: $out, $(($(wc -c <"$out") / 1024)) KB, version $name ($code)"
