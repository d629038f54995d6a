// Package shell is the talk between minqing-field and the Android shell that started it (mobile-client/android): JSON lines, the
// shell's on standard input, the program's on standard output. Each is an object with a “kind”.
//
//	shell says                                    and means
//	start {secret, version, share, package}       first of all: the keystore's secret (base64; empty: there is no keystore that works),
//	                                              the version code of the APK, a folder from which the shell hands files on, where the APK lies
//	network {state, dns}                          how the network stands now: none, metered, free, or portal; its name servers
//	link {link}                                   give me an address to open; link is that of an enrolment code (minqing:…), if one was opened
//	bundle {path}                                 somebody shared this file with the app
//	hidden, shown                                 nobody looks at the pages, somebody does again
//
//	the program says                              and means
//	link {link}                                   open this; it is good once. It comes unasked too, when a shared file was taken
//	busy {text}, idle                             a sync runs, it is over
//	share {path}, install {path}                  offer this file to other apps, this APK to the installer; it lies in the share folder
//	taken                                         the photo from the camera is in the replica: delete the camera's file
//	wiped                                         the replica is gone: forget the keystore's secret
//
// It promises: kinds that either does not know are passed over, so that shell and program of neighbouring versions work together; the
// end of the input ends the program; the network as the shell tells it is what connections are made by, since Android lets a program
// without cgo find neither name servers nor the state of the network.
package shell
