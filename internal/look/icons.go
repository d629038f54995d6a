package look

import (
	"html/template"
)

// Icon is an inline SVG: its stroke is the colour of the text around it, and screen readers pass over it (the word beside it says the
// same). It panics on a name that is not in the set: templates are executed by tests.
func Icon(name string) template.HTML {
	d, ok := icons[name]
	if !ok {
		panic("look: no icon " + name)
	}
	return template.HTML(`<svg viewBox="0 0 24 24" aria-hidden="true">` + d + `</svg>`) // #nosec G203 -- constants of this file
}

// icons are drawn on a grid of 24 for a round stroke of 1.75.
var icons = map[string]string{
	"today":    `<rect x="4" y="5" width="16" height="15.5" rx="2"/><path d="M8 2.5V7M16 2.5V7M4 10h16M9 15l2.2 2.2 4-4"/>`,
	"calendar": `<rect x="4" y="5" width="16" height="15.5" rx="2"/><path d="M8 2.5V7M16 2.5V7M4 10h16"/>`,
	"house":    `<path d="M3 11.5 12 3.5l9 8M5.5 9.5v11h13v-11M10 20.5V15h4v5.5"/>`,
	"journal":  `<rect x="5" y="3" width="14" height="18" rx="2"/><path d="M9 8h4M9 12h6M9 16h6"/>`,
	"matter":   `<path d="M5.5 21.5V3.5h13l-3.2 5 3.2 5h-13"/>`,
	"me":       `<circle cx="12" cy="7.5" r="4"/><path d="M4 20.5c.4-4.4 3.5-6.5 8-6.5s7.6 2.1 8 6.5"/>`,
	"users":    `<circle cx="9" cy="8" r="3.5"/><path d="M2.5 19.5c.5-3.7 3-5.5 6.5-5.5s6 1.8 6.5 5.5M15.5 4.7a3.5 3.5 0 0 1 0 6.6M18 14.5c2 .8 3.2 2.5 3.5 5"/>`,
	"phone":    `<rect x="7" y="2.5" width="10" height="19" rx="2"/><path d="M11 18.5h2"/>`,
	"cloud":    `<path d="M7 18.5a4.5 4.5 0 0 1-.6-8.95 5.8 5.8 0 0 1 11.2 1.5 3.8 3.8 0 0 1-.4 7.45zM9.2 13.6l2 2 3.8-3.8"/>`,
	"check":    `<path d="m4.5 12.5 5 5 10-11"/>`,
	"check2":   `<path d="m2 13 4.5 4.5L15 8M11.5 16l1.5 1.5L22 8"/>`,
	"alert":    `<circle cx="12" cy="12" r="9"/><path d="M12 7.2v6M12 16.6v.1"/>`,
	"stop":     `<circle cx="12" cy="12" r="9"/><path d="m9 9 6 6M15 9l-6 6"/>`,
	"sync":     `<path d="M20 10.5A8.2 8.2 0 0 0 5.2 7.2L3.5 9.5M3.5 4.5v5h5M4 13.5a8.2 8.2 0 0 0 14.8 3.3l1.7-2.3M20.5 19.5v-5h-5"/>`,
	"offline":  `<path d="M3 3.5 20.5 21M2.5 9.2a14 14 0 0 1 4.2-2.8M10.5 5.3a14 14 0 0 1 11 3.9M5.8 12.8a9.2 9.2 0 0 1 4.4-2.3M15 11.1c1.2.4 2.2 1 3.2 1.7M9 16.3a4.4 4.4 0 0 1 6 0M12 19.6v.1"/>`,
	"wifi":     `<path d="M2.5 9.2a14 14 0 0 1 19 0M5.8 12.8a9.2 9.2 0 0 1 12.4 0M9 16.3a4.4 4.4 0 0 1 6 0M12 19.6v.1"/>`,
	"call":     `<path d="M6.3 3.5h1.9c.5 0 .9.3 1 .8l.8 3.1c.1.4 0 .8-.4 1.1L8 9.8a12.6 12.6 0 0 0 6.2 6.2l1.3-1.6c.3-.4.7-.5 1.1-.4l3.1.8c.5.1.8.5.8 1v1.9c0 1.5-1.3 2.8-2.8 2.7C9.9 19.8 4.2 14.1 3.5 6.3 3.4 4.8 4.8 3.5 6.3 3.5z"/>`,
	"card":     `<rect x="2.5" y="4.5" width="19" height="15" rx="2"/><circle cx="8.5" cy="10.5" r="2.2"/><path d="M5 16c.4-1.7 1.7-2.7 3.5-2.7S11.6 14.3 12 16M15 9.5h3.5M15 14.5h3.5"/>`,
	"policy":   `<path d="M3.5 9.5v4.5h3.5l8.5 4.5V5L7 9.5zM7 14l1.5 6h2.5l-1-4.5M19 8.5c1.7 1.9 1.7 4.6 0 6.5"/>`,
	"listen":   `<path d="M6.5 10a5.7 5.7 0 1 1 11 2.2c-.9 2-2.7 2.5-3.1 4.6-.4 2.2-1.5 3.7-3.4 3.7-1.8 0-2.9-1.3-3-3M9.7 10a2.5 2.5 0 1 1 4.3 1.8c-.9.8-2 1-2 2.4"/>`,
	"relieve":  `<path d="M12 11C9.6 9.3 8 7.9 8 6c0-2.4 3-3.1 4-.9 1-2.2 4-1.5 4 .9 0 1.9-1.6 3.3-4 5zM3 15.5c1.5-1.3 3.2-1.4 4.7-.4l1.6 1H13a1.4 1.4 0 0 1 0 2.7H9.5M14 17.5l4.7-2.4c1.7-.8 2.9 1.2 1.5 2.3-2.2 1.8-4.6 3.6-7.2 3.6-3.4 0-5.5-1.5-10-1.5"/>`,
	"plus":     `<path d="M12 5v14M5 12h14"/>`,
	"x":        `<path d="m6 6 12 12M18 6 6 18"/>`,
	"back":     `<path d="m15.5 4.5-7.5 7.5 7.5 7.5"/>`,
	"next":     `<path d="m8.5 4.5 7.5 7.5-7.5 7.5"/>`,
	"up":       `<path d="m4.5 15.5 7.5-7.5 7.5 7.5"/>`,
	"down":     `<path d="m4.5 8.5 7.5 7.5 7.5-7.5"/>`,
	"more":     `<path stroke-width="3" d="M5 12h.01M12 12h.01M19 12h.01"/>`,
	"search":   `<circle cx="10.5" cy="10.5" r="7"/><path d="m15.8 15.8 5.2 5.2"/>`,
	"clock":    `<circle cx="12" cy="12" r="9"/><path d="M12 6.5V12l3.5 2.5"/>`,
	"merge":    `<path d="M6 3.5v2.5c0 4.5 6 4 6 8.5v6M18 3.5v2.5c0 4.5-6 4-6 8.5M8.5 17.5 12 21l3.5-3.5"/>`,
	"split":    `<path d="M12 21v-6.5c0-4.5-6-4-6-10M12 14.5c0-4.5 6-4 6-10M2.8 7.5 6 4.2l3.2 3.3M14.8 7.5 18 4.2l3.2 3.3"/>`,
	"back2":    `<path d="M9 5 3.5 10.5 9 16M3.5 10.5H14a6.5 6.5 0 0 1 6.5 6.5v2"/>`,
	"undo":     `<path d="M4 4v5.5h5.5M4.5 9.2a8.5 8.5 0 1 1-.6 5.3"/>`,
	"edit":     `<path d="m4 20 1-4.7L16 4.3a1.8 1.8 0 0 1 2.5 0l1.2 1.2a1.8 1.8 0 0 1 0 2.5L8.7 19zM13.7 6.6l3.7 3.7"/>`,
	"answer":   `<path d="M5 4.5h14c.8 0 1.5.7 1.5 1.5v9.5c0 .8-.7 1.5-1.5 1.5h-7l-4.5 4v-4H5c-.8 0-1.5-.7-1.5-1.5V6c0-.8.7-1.5 1.5-1.5zM8.5 10.8l2.4 2.4 4.6-4.6"/>`,
	"guide":    `<path d="M5 4.5h14c.8 0 1.5.7 1.5 1.5v9.5c0 .8-.7 1.5-1.5 1.5h-7l-4.5 4v-4H5c-.8 0-1.5-.7-1.5-1.5V6c0-.8.7-1.5 1.5-1.5zM8 9h8M8 12.7h5"/>`,
	"camera":   `<path d="M8 6.5 9.5 4h5L16 6.5h3.5c.8 0 1.5.7 1.5 1.5v10.5c0 .8-.7 1.5-1.5 1.5h-15c-.8 0-1.5-.7-1.5-1.5V8c0-.8.7-1.5 1.5-1.5z"/><circle cx="12" cy="13" r="3.7"/>`,
	"filter":   `<path d="M4 6h16M7 12h10M10 18h4"/>`,
	"download": `<path d="M12 3.5V15M6.5 10l5.5 5.5 5.5-5.5M4.5 20.5h15"/>`,
	"print":    `<path d="M7 8.5v-5h10v5M7 17H3.5V8.5h17V17H17M7 14h10v6.5H7z"/>`,
	"grid":     `<rect x="4" y="4" width="6.5" height="6.5" rx="1"/><rect x="13.5" y="4" width="6.5" height="6.5" rx="1"/><rect x="4" y="13.5" width="6.5" height="6.5" rx="1"/><rect x="13.5" y="13.5" width="6.5" height="6.5" rx="1"/>`,
	"list":     `<path d="M9 6h11M9 12h11M9 18h11M4.5 6h.1M4.5 12h.1M4.5 18h.1"/>`,
	"chart":    `<path d="M3.5 20.5h17M6.5 20.5V13M12 20.5V4M17.5 20.5V9"/>`,
	"tree":     `<rect x="8.5" y="3" width="7" height="5" rx="1"/><rect x="2.5" y="16" width="7" height="5" rx="1"/><rect x="14.5" y="16" width="7" height="5" rx="1"/><path d="M12 8v4M6 16v-4h12v4"/>`,
	"assign":   `<circle cx="9" cy="8" r="3.7"/><path d="M2.5 19.5c.5-3.7 3-5.5 6.5-5.5 1.3 0 2.4.2 3.3.7M13.5 18H21M17.8 14.8 21 18l-3.2 3.2"/>`,
	"shield":   `<path d="m12 3 8 3v5.5c0 4.5-3.2 8-8 9.5-4.8-1.5-8-5-8-9.5V6z"/>`,
	"pulse":    `<path d="M2.5 12.5h4L9.5 5l5 14 3-6.5h4"/>`,
	"gear":     `<circle cx="12" cy="12" r="3"/><circle cx="12" cy="12" r="6.5"/><path d="M12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1M16.6 16.6l2.1 2.1M18.7 5.3l-2.1 2.1M7.4 16.6l-2.1 2.1"/>`,
	"lock":     `<rect x="4.5" y="10.5" width="15" height="10.5" rx="2"/><path d="M8 10.5V7.3a4 4 0 0 1 8 0v3.2M12 14.5V17"/>`,
	"eye":      `<path d="M2 12c2.6-4.6 6-6.8 10-6.8s7.4 2.2 10 6.8c-2.6 4.6-6 6.8-10 6.8S4.6 16.6 2 12z"/><circle cx="12" cy="12" r="3"/>`,
	"bag":      `<rect x="3.5" y="8" width="17" height="12.5" rx="2"/><path d="M8.5 8V6.5a3.5 3.5 0 0 1 7 0V8M9 13h6"/>`,
	"storage":  `<path d="M7 3h7.5L19 7.5v12c0 .8-.7 1.5-1.5 1.5h-11c-.8 0-1.5-.7-1.5-1.5V5c0-1.1.9-2 2-2zM9 6.5V10M12.5 6.5V10"/>`,
	"board":    `<rect x="3" y="4" width="18" height="12" rx="1.5"/><path d="m8 20.5 4-4.5 4 4.5M7 8h10M7 12h6"/>`,
}
