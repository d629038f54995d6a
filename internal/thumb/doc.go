// Package thumb drives pages in a headless Chromium the way a person with a small phone does: by taps and swipes that really touch the
// screen and are counted, and by keys that are counted too.
//
// It promises: a tap lands only on what a thumb could reach (in view after the swipes it takes, which count as taps, and covered by
// nothing); nothing is clicked by script; every wait is bounded, and a wait that runs out says what page stood there instead. Tests and
// measurements use it; it knows nothing of any page.
package thumb
