package bench

import (
	"math/rand/v2"
	"sync"
)

// The words of the bench are drawn from eight hundred common characters at random, so that they compress as real notes do, or worse:
// no better than 3:1 (the budget of a first sync says so, and bench first measures it).
const firstCharacter, characters = '一', 800

var (
	wordsMu  sync.Mutex
	wordDice = rand.New(rand.NewPCG(9, 9))
)

// words is a text of n characters.
func words(n int) string {
	wordsMu.Lock()
	defer wordsMu.Unlock()
	out := make([]rune, n)
	for i := range out {
		out[i] = firstCharacter + rune(wordDice.IntN(characters))
	}
	return string(out)
}
