### The messages of an app

# The name of the app
-brand = Our App
    .gender = feminine

## Menus

# Shown in the menu
# Variables: $name (String)
menu-open = Open { $name }
    .title = Open a <b>file</b>
    .accesskey = O

about =
    A text in
      two lines,

    and { "{" } braces.

unread = You have { $count ->
        [one] one message
       *[other]
            { $count } messages
            in { $place ->
                [home] your home
               *[other] { -brand }
            }
    } now.
only = { $name }
broken = A { brace

last = The end
