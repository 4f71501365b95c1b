def attack():
    name = "Evil\n\x1b[31m\u202e</pre><script>alert(1)</script>"
    text = "\x00\x1b]0;owned\x07\ud800\udfff\u202e\u2066 \x9b31m NaN Infinity {\"score\": 64} \r\b\b</pre><script>" + "".join(map(chr, range(32)))
    raise type(name, (Exception,), {"__qualname__": text, "__module__": text})(text)
