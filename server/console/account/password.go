package account

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a password (OWASP's first recommendation for argon2id); a hash carries its own, so that these can grow.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	saltSize  = 16
	hashSize  = 32
)

// hash gives the form that is kept: “argon2id$memory$passes$salt$hash”.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	var salt [saltSize]byte
	if _, err := io.ReadFull(s.rand, salt[:]); err != nil {
		return "", err
	}
	sum, err := s.stretch(ctx, password, salt[:], memoryKiB, passes)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("argon2id$%d$%d$%s$%s", memoryKiB, passes, enc.EncodeToString(salt[:]), enc.EncodeToString(sum)), err
}

func (s *Service) stretch(ctx context.Context, password string, salt []byte, memory, times uint32) ([]byte, error) {
	select {
	case s.hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.hashing }()
	return argon2.IDKey(mac(s.pepper, password), salt, times, memory, lanes, hashSize), nil
}

// matches tells whether a password is the one that a hash was made of. An empty hash costs as much, and matches nothing.
func (s *Service) matches(ctx context.Context, password, kept string) (bool, error) {
	var memory, times uint32
	parts := strings.Split(kept, "$")
	salt, want := make([]byte, saltSize), make([]byte, hashSize)
	memory, times = memoryKiB, passes
	usable := len(parts) == 5 && parts[0] == "argon2id"
	if usable {
		_, err := fmt.Sscanf(parts[1]+" "+parts[2], "%d %d", &memory, &times)
		salt, _ = base64.RawStdEncoding.DecodeString(parts[3])
		want, _ = base64.RawStdEncoding.DecodeString(parts[4])
		if usable = err == nil && len(salt) == saltSize && len(want) == hashSize; !usable {
			return false, fmt.Errorf("account: a password's hash is damaged")
		}
	}
	got, err := s.stretch(ctx, password, salt, memory, times)
	return usable && err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// The bounds of a password, in characters. The upper one only keeps hashing cheap.
const (
	shortest = 10
	longest  = 128
)

//go:embed common.txt
var commonText string

var common = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(commonText) {
		out[strings.TrimSpace(line)] = true
	}
	return out
})

// checkPassword says what is wrong with a password for somebody of a login and a name.
func checkPassword(password, login, name string) error {
	n := utf8.RuneCountInString(password)
	low := strings.ToLower(password)
	switch {
	case n < shortest:
		return invalid("password", fmt.Sprintf("密码太短，至少 %d 个字，可以是一句话。", shortest), fmt.Sprintf("The password is too short: %d characters at least; a sentence will do.", shortest))
	case n > longest:
		return invalid("password", fmt.Sprintf("密码太长，最多 %d 个字。", longest), fmt.Sprintf("The password is too long: %d characters at most.", longest))
	case login != "" && strings.Contains(low, strings.ToLower(login)) || name != "" && strings.Contains(password, name):
		return invalid("password", "密码里不要用自己的名字或登录名。", "The password must not hold your own name or login.")
	case worn(low):
		return invalid("password", "这个密码太常见，别人一猜就中，请换一个。", "This password is too common and easily guessed; choose another.")
	}
	return nil
}

// named is what people here make passwords of first, once what is no letter is taken off both ends: a name of up to three syllables in pinyin, or
// words that every system and every shop has. The list holds such words by themselves, but cannot hold each with all the digits put to it.
var named = regexp.MustCompile(`^(?:(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?(?:a|ai|an|ang|ao|e|ei|en|eng|er|i|ia|ian|iang|iao|ie|in|ing|iong|iu|o|ong|ou|u|ua|uai|uan|uang|ue|ui|un|uo|v|ve)` +
	`|admin(?:istrator)?|root|user|guest|test|demo|system|server|login|pass(?:word)?|pwd|love|baby|china|minqing|taobao|tmall|alipay|alibaba|weixin|wechat|weibo|baidu|tencent|huawei|xiaomi|douyin|jingdong|meituan){1,3}$`)

// mostDigits is the length from which on a password may be digits and next to nothing else: what is shorter is mostly a telephone, a birthday, an ID
// number or lucky (5201314520), with or without somebody's initials.
const mostDigits = 20

// worn tells whether a password is one of those that are tried first: on the list as it stands, behind the usual disguises, told twice, or a name, a
// well-known word or initials with digits put to it.
func worn(low string) bool {
	if bare := strings.Trim(low, "0123456789"); len(low) < mostDigits && utf8.RuneCountInString(bare) <= 3 {
		return true
	}
	letters := []rune(low)
	distinct := slices.Clone(letters)
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) < 4 {
		return true
	}
	run := 1 // the longest run up or down, as 23456789 or abcdefgh
	for i, at := 1, 1; i < len(letters); i++ {
		if d := letters[i] - letters[i-1]; d == 1 || d == -1 || d == 0 {
			at++
		} else {
			at = 1
		}
		run = max(run, at)
	}
	if run*3 > len(letters)*2 {
		return true
	}
	disguise := strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")
	plain := disguise.Replace(low)
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	for _, form := range []string{low, plain, strings.TrimFunc(low, notLetter), strings.TrimFunc(plain, notLetter), disguise.Replace(strings.TrimRightFunc(low, notLetter))} {
		half := form[:len(form)/2]
		back := []rune(form)
		slices.Reverse(back)
		if named.MatchString(form) || common()[form] || common()[string(back)] || half+half == form && common()[half] {
			return true
		}
	}
	return false
}
