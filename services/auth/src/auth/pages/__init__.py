"""The two pages that mailed links lead to, for people who have nothing but a browser."""
